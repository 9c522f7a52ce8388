import { FleetScreen, johans, kalles, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve' });
test.beforeAll(({ server }) => server.call('POST', '/v1/import', originalCsv));

test('a vehicle shows its presence, its last heartbeat by both clocks, and its past', async ({
  page,
  server,
}) => {
  const [vin] = kalles;
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await server.call('POST', `/v1/vehicles/${vin}/heartbeats`, { sequence: 41 });
  await server.call('POST', `/v1/vehicles/${vin}/heartbeats`, { sequence: 42, sent_at: hourAgo });
  await page.goto('/');
  await new FleetScreen(page).row(vin).getByRole('link').click();

  await expect(page).toHaveTitle(`${vin} · Fleetbeat`);
  const now = page.getByRole('region', { name: 'Now' });
  await expect(now).toContainText('online');
  await expect(now).toContainText(/Last heartbeat, by our clock\s*\d.* ago/);
  await expect(now).toContainText(/By the vehicle's own clock\s*wrong: 1 h.* behind ours/);
  await expect(now).toContainText(/Heartbeats stored\s*2/);
  await expect(now).toContainText(/Last sequence\s*42/);
  await expect(now).toContainText(/late after 1 min 30 sec, offline after 2 min 30 sec\s*the default/);
  await expect(page.getByRole('region', { name: 'Heartbeats, newest first' }).getByRole('row')).toHaveCount(
    3,
  );
  await expect(page.getByRole('row', { name: /^online/ })).toContainText('lasts');

  // It goes on as heartbeats come.
  await server.beat(vin);
  await expect(now).toContainText(/Heartbeats stored\s*3/);
  await expect(now).toContainText('agrees with ours');
});

test('a vehicle is paused and watched again', async ({ page, server }) => {
  const [, vin] = kalles;
  await server.beat(vin);
  await page.goto(`/vehicles/${vin}`);
  const now = page.getByRole('region', { name: 'Now' });
  await expect(now).toContainText('online');
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(now).toContainText('paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(now).toContainText('online');
  await page.keyboard.press('p');
  await expect(now).toContainText('paused');
});

test('a vehicle is changed, and what is wrong stands at its field', async ({ page }) => {
  const [, , vin] = kalles;
  await page.goto(`/vehicles/${vin}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('dialog', { name: `Change ${vin}` });
  await form.getByRole('textbox', { name: 'Registration number' }).fill('NEW 001');
  await form.getByRole('combobox', { name: 'Customer' }).fill('johans');
  await page.getByRole('option', { name: 'Johans Bulk AB' }).click();
  await form.getByRole('textbox', { name: 'New tag' }).fill('gravel');
  await page.keyboard.press('Enter');
  await form.getByRole('checkbox', { name: 'A policy of its own' }).check();
  await form.getByRole('spinbutton', { name: 'Late after' }).fill('600');
  await form.getByRole('spinbutton', { name: 'Offline after' }).fill('60');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByRole('spinbutton', { name: 'Offline after' })).toHaveAttribute(
    'aria-invalid',
    'true',
  );

  await form.getByRole('spinbutton', { name: 'Offline after' }).fill('900');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form).toBeHidden();
  const now = page.getByRole('region', { name: 'Now' });
  await expect(now).toContainText(/Registration number\s*NEW 001/);
  await expect(now).toContainText(/Customer\s*Johans Bulk AB/);
  await expect(now).toContainText(/Tags\s*gravel/);
  await expect(now).toContainText(/late after 10 min, offline after 15 min\s*its own/);
});

test('a vehicle is removed, and only after a question', async ({ page, complaints }) => {
  const [vin] = johans;
  const fleet = new FleetScreen(page);
  complaints.allow(/404/); // the vehicle is asked for once more when it is gone
  await page.goto('/?customer=johans');
  await fleet.row(vin).getByRole('link').click();
  await page.getByRole('button', { name: 'Remove' }).click();
  const question = page.getByRole('dialog', { name: `Remove ${vin}?` });
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(question).toBeHidden();
  await expect(page.getByRole('region', { name: 'Now' })).toBeVisible();

  await page.getByRole('button', { name: 'Remove' }).click();
  await question.getByRole('button', { name: 'Remove' }).click();
  await expect(page).toHaveURL('/?customer=johans');
  await expect(fleet.row(johans[1])).toBeVisible();
  await expect(fleet.row(vin)).toHaveCount(0);
  await page.goto(`/vehicles/${vin}`);
  await expect(page.getByRole('heading', { name: 'This vehicle is not registered' })).toBeVisible();
});
