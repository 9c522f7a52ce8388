import { FleetScreen, johans, kalles, original, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });
test.beforeAll(({ server }) => server.call('POST', '/v1/import', originalCsv));

test('a vehicle that falls silent goes offline under the eyes of two people, and comes back', async ({
  page,
  visit,
  beats,
}) => {
  const other = await visit();
  const screens = [new FleetScreen(page), new FleetScreen(other)];
  beats.of(original);
  for (const screen of screens) {
    await screen.page.goto('/');
    await screen.has({ online: 7 });
  }
  const loaded = await page.evaluate(() => performance.timeOrigin);

  beats.of(original.filter((vin) => vin !== johans[0]));
  for (const screen of screens) {
    await screen.has({ online: 6, offline: 1 });
    await expect(screen.row(johans[0])).toContainText('offline');
    await expect(screen.row(kalles[0])).toContainText('online');
  }
  beats.of(original);
  for (const screen of screens) {
    await screen.has({ online: 7, offline: 0 });
    await expect(screen.row(johans[0])).toContainText('online');
  }
  expect(await page.evaluate(() => performance.timeOrigin), 'the page was not loaded again').toBe(loaded);
});

test('a vehicle that is added, renamed and removed elsewhere shows so by itself', async ({
  page,
  server,
}) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?customer=johans');
  await fleet.finds('2');
  await server.call('POST', '/v1/vehicles', { vin: 'TRAILER-7', customer_id: 'johans' });
  await fleet.finds('3');
  await server.call('PATCH', '/v1/vehicles/TRAILER-7', { registration_number: 'XYZ 789' });
  await expect(fleet.row('TRAILER-7')).toContainText('XYZ 789');
  await server.call('DELETE', '/v1/vehicles/TRAILER-7');
  await fleet.finds('2');
});
