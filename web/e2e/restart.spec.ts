import { FleetScreen, connection, haralds, johans, original, originalCsv } from './fleet';
import { deployment } from './server';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });
test.beforeAll(({ server }) => server.call('POST', '/v1/import', originalCsv));

test('the page says so when the server dies, and is right again by itself when it is back', async ({
  page,
  server,
  beats,
  complaints,
}) => {
  test.skip(deployment !== undefined, 'what is deployed is not killed by this test');
  const fleet = new FleetScreen(page);
  beats.of(original);
  await page.goto('/');
  await fleet.has({ online: 7 });
  await expect(connection(page)).toHaveText('live');

  complaints.allow(/ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)/);
  complaints.allow(/503/); // a server that has just started is not ready yet
  await server.kill();
  await expect(connection(page)).toHaveText(/reconnecting|stale/);
  await expect(page.getByText(/what is shown is .* old/)).toBeVisible();

  // What happened meanwhile: one is paused, one has fallen silent.
  beats.of(original.filter((vin) => vin !== haralds[0]));
  await server.run();
  await server.call('POST', `/v1/vehicles/${johans[0]}/pause`);

  await expect(connection(page)).toHaveText('live');
  await fleet.has({ online: 5, offline: 1, paused: 1 });
  await expect(fleet.row(haralds[0])).toContainText('offline');
  await expect(fleet.row(johans[0])).toContainText('paused');
  for (const vin of original.filter((vin) => vin !== haralds[0] && vin !== johans[0]))
    await expect(fleet.row(vin)).toContainText('online');
  await expect(page.getByText(/Unobserved from .* to /)).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});
