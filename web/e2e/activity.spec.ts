import { haralds, johans, kalles, originalCsv } from './fleet';
import { Page, expect, test } from './test';

test.use({ command: 'serve' });
test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', originalCsv);
  await server.beat(kalles[0]);
});

const changes = (page: Page) =>
  page.getByRole('list', { name: 'Changes of presence' }).getByRole('listitem').filter({ hasText: 'became' });

test('changes of presence appear as they happen, newest first', async ({ page, server }) => {
  await page.goto('/activity');
  await expect(changes(page).last()).toContainText(new RegExp(`${kalles[0]}.*unknown.*became.*online`));
  await server.beat(johans[0]);
  await expect(changes(page).first()).toContainText(new RegExp(`${johans[0]}.*unknown.*became.*online`));
  await server.call('POST', `/v1/vehicles/${johans[0]}/pause`);
  await expect(changes(page).first()).toContainText(new RegExp(`${johans[0]}.*online.*became.*paused`));
});

test('changes are filtered by what they lead to, by customer and by vehicle', async ({ page, server }) => {
  await server.beat(haralds[0]);
  await server.call('POST', `/v1/vehicles/${haralds[0]}/pause`);
  await server.call('POST', `/v1/vehicles/${kalles[1]}/pause`);
  await page.goto('/activity');
  await expect(changes(page).first()).toContainText(kalles[1]);

  await page.getByRole('group', { name: 'Changes to' }).getByRole('button', { name: 'paused' }).click();
  await expect(page).toHaveURL('/activity?to=paused');
  await page.getByRole('combobox', { name: 'Customer' }).fill('haralds');
  await page.getByRole('option', { name: 'Haralds Värdetransporter AB' }).click();
  await expect(changes(page)).toHaveCount(1);
  await expect(changes(page)).toContainText(haralds[0]);

  await page.getByRole('button', { name: 'Clear all filters' }).click();
  await page.getByRole('combobox', { name: 'Vehicle' }).fill('HAR000');
  await page.getByRole('option', { name: haralds[0] }).click();
  await expect(changes(page)).toContainText(['paused', 'online']);
  await expect(page).toHaveURL(`/activity?vehicle=${haralds[0]}`);
});

test('new changes wait while the list is paused', async ({ page, server }) => {
  await page.goto('/activity');
  await expect(changes(page).first()).toBeVisible();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await server.beat(haralds[1]);
  await expect(page.getByText('Paused: 1 new ones wait.')).toBeVisible();
  await expect(changes(page).filter({ hasText: haralds[1] })).toHaveCount(0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(changes(page).first()).toContainText(haralds[1]);
});
