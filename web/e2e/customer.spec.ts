import { kalles, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve' });
test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', originalCsv);
  await server.call('POST', `/v1/vehicles/${kalles[0]}/pause`);
});

test('a customer is added, changed and removed', async ({ page }) => {
  await page.goto('/customers');
  await expect(page.getByRole('status').filter({ hasText: 'customers' })).toHaveText('3 customers');
  await page.getByRole('button', { name: 'Add a customer' }).click();
  const form = page.getByRole('dialog', { name: 'Add a customer' });
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form.getByRole('textbox', { name: 'Name' })).toHaveAccessibleDescription(/Needed/);
  await form.getByRole('textbox', { name: 'Name' }).fill('Nordströms Åkeri AB');
  await form.getByRole('textbox', { name: 'Address' }).fill('Hamngatan 3, 972 33 Luleå');
  await form.getByRole('textbox', { name: 'Id' }).fill('nord');
  await form.getByRole('button', { name: 'Add' }).click();

  await expect(page).toHaveURL('/customers/nord');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Nordströms Åkeri AB');
  await expect(page.getByRole('heading', { name: 'It has no vehicles yet' })).toBeVisible();

  await page.getByRole('button', { name: 'Edit' }).click();
  const change = page.getByRole('dialog', { name: 'Change Nordströms Åkeri AB' });
  await change.getByRole('textbox', { name: 'Name' }).fill('Nordströms Frakt AB');
  await change.getByRole('checkbox', { name: 'A policy of its own, for all its vehicles' }).check();
  await change.getByRole('textbox', { name: 'Late after' }).fill('5m');
  await change.getByRole('textbox', { name: 'Offline after' }).fill('15m');
  await change.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Nordströms Frakt AB');
  await expect(page.getByText('Its own: late after 5 min, offline after 15 min')).toBeVisible();

  await page.getByRole('button', { name: 'Remove' }).click();
  const question = page.getByRole('dialog', { name: 'Remove Nordströms Frakt AB?' });
  await question.getByRole('button', { name: 'Remove' }).click();
  await expect(page).toHaveURL('/customers');
  await expect(page.getByRole('status').filter({ hasText: 'customers' })).toHaveText('3 customers');
});

test('a customer shows its vehicles by presence, each a way to them', async ({ page }) => {
  await page.goto('/customers');
  await page.getByRole('searchbox', { name: 'Find customers' }).fill('sodertalje');
  await expect(page.getByRole('status').filter({ hasText: 'customer' })).toHaveText('1 customer');
  await page.getByRole('link', { name: 'Kalles Grustransporter AB' }).click();
  await expect(page.getByRole('heading', { name: '3 vehicles' })).toBeVisible();
  const presences = page.getByRole('navigation', { name: 'Its vehicles by presence' });
  await expect(presences.getByRole('link', { name: 'unknown 2' })).toBeVisible();
  await presences.getByRole('link', { name: 'paused 1' }).click();
  await expect(page).toHaveURL('/?customer=kalles&presence=paused');
  await expect(page.getByRole('heading', { name: '1 vehicle' })).toBeVisible();
});

test('a customer with vehicles is removed only when its name was typed, and its vehicles with it', async ({
  page,
  server,
  complaints,
}) => {
  complaints.allow(/404/); // the customer is asked for once more when it is gone
  await page.goto('/customers/haralds');
  await page.getByRole('button', { name: 'Remove' }).click();
  const question = page.getByRole('dialog', { name: 'Remove Haralds Värdetransporter AB?' });
  const remove = question.getByRole('button', { name: 'Remove it and 2 vehicles' });
  await expect(remove).toBeDisabled();
  await question.getByRole('textbox', { name: 'Name' }).fill('Haralds Värdetransporter AB');
  await remove.click();
  await expect(page).toHaveURL('/customers');
  await expect(page.getByRole('link', { name: 'Haralds' })).toHaveCount(0);
  expect(await server.call('GET', '/v1/summary')).toMatchObject({ vehicles: 5, customers: 2 });
});
