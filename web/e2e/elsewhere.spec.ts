import { FleetScreen, connection, kalles, originalCsv } from './fleet';
import { Site } from './site';
import { expect, test as base } from './test';

/** The dashboard on an origin of its own, and a server that lets it use the API. */
const test = base.extend<{ site: Site }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of what a fixture needs from here
  site: async ({}, use) => {
    const site = await Site.open();
    await use(site);
    await site.close();
  },
  server: async ({ site, currentServer }, use, info) => {
    const server = await currentServer.of(info.file, `serve --web-origin ${site.origin}`);
    await site.publish(server.url);
    await server.call('POST', '/v1/import', originalCsv);
    await use(server);
  },
});

test('the dashboard from another origin shows the fleet, live, and changes it', async ({
  page,
  site,
  server,
}) => {
  const fleet = new FleetScreen(page);
  await page.goto(site.origin);
  await fleet.finds('7');
  await expect(connection(page)).toHaveText('live');
  await server.beat(kalles[0]);
  await fleet.has({ online: 1 });

  await page.goto(`${site.origin}/vehicles/${kalles[0]}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect
    .poll(() => server.call(`GET`, `/v1/vehicles/${kalles[0]}`))
    .toMatchObject({ presence: 'paused' });
});

test('the dashboard from an origin that the server does not name says that it cannot reach it', async ({
  page,
  site,
  server,
  complaints,
}) => {
  complaints.allow(/CORS|ERR_FAILED/);
  const stranger = await Site.open();
  await stranger.publish(server.url);
  expect(stranger.origin).not.toBe(site.origin);
  await page.goto(stranger.origin);
  await expect(
    page.getByRole('alert').filter({ hasText: 'The server cannot be reached' }).first(),
  ).toBeVisible();
  await expect(new FleetScreen(page).rows).toHaveCount(0);
  await stranger.close();
});
