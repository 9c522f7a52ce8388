import { Page } from '@playwright/test';

import { expectGoodInAnyLight } from './axe';
import { haralds, johans, kalles, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });

// A vehicle is heard, falls silent until it is offline, delivers what it recorded meanwhile, and is heard again.
test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', originalCsv);
  const [vin] = kalles;
  const begun = Date.now();
  await server.beat(vin, ...haralds);
  await expect
    .poll(() => server.call('GET', `/v1/vehicles/${vin}`), { timeout: 30_000 })
    .toMatchObject({ presence: 'offline' });
  const offline = Date.now();
  const recorded = [];
  for (let at = begun + 1500; at < offline; at += 500)
    recorded.push({ vehicle: vin, sent_at: new Date(at).toISOString(), buffered: true });
  await server.call('POST', '/v1/heartbeats', recorded);
  await server.beat(vin);
});

const periods = (page: Page) => page.getByRole('region', { name: 'Outages and connections, newest first' });
const strip = (page: Page) => page.locator('fb-presence-strip [aria-roledescription="timeline"]');
const uptime = (page: Page) => page.getByRole('region', { name: 'Uptime' }).first();

test('the past of a vehicle is told in periods, with what was repaired and why', async ({ page }) => {
  await page.goto(`/vehicles/${kalles[0]}?span=1h`);
  await expect(
    periods(page)
      .getByRole('row', { name: /out of coverage/ })
      .first(),
  ).toContainText('heartbeats that came later');
  await expect(periods(page).getByRole('row', { name: /not registered/ })).toHaveCount(1);
  await expect(periods(page).getByRole('row').last()).toContainText('not registered');
  await expect(page.getByRole('list', { name: 'What the shapes mean' })).toContainText('out of coverage');
  await page.getByRole('radio', { name: 'Outages' }).click();
  await expect(periods(page).getByRole('row', { name: /not registered/ })).toHaveCount(0);
});

test('the timeline is read by keys, over an hour to 30 days, and the address holds how far', async ({
  page,
}) => {
  await page.goto(`/vehicles/${kalles[0]}`);
  await page.getByRole('radio', { name: '30 days' }).click();
  await expect(page).toHaveURL(/span=30d/);
  await page.reload();
  await expect(page.getByRole('radio', { name: '30 days' })).toBeChecked();
  await expect(strip(page)).toHaveAccessibleName(/not known here 29 days/);
  await page.getByRole('radio', { name: '1 hour' }).click();
  await strip(page).focus();
  await page.keyboard.press('End');
  await expect(page.locator('fb-presence-strip .story')).toContainText('to now');
});

test('whoever opened a vehicle directly gets back to the fleet, however far back was looked', async ({
  page,
}) => {
  await page.goto(`/vehicles/${kalles[0]}`);
  await page.getByRole('radio', { name: '7 days' }).click();
  await expect(page).toHaveURL(/span=7d/);
  await page.getByRole('button', { name: 'Back', exact: true }).click();
  await expect(page).toHaveURL('/');
});

test('news of a vehicle come into its past without a reload', async ({ page, beats }) => {
  await page.goto(`/vehicles/${haralds[0]}?span=1h`);
  // a machine too busy for the server to hear itself makes two of the outage, with an unobserved moment between
  await expect(
    periods(page)
      .getByRole('row', { name: /^offline/ })
      .first(),
  ).toBeVisible();
  beats.of([haralds[0]]);
  await expect(periods(page).getByRole('row').nth(1)).toContainText('online');
  await expect(periods(page).getByRole('row').nth(1)).toContainText('lasts');
});

test('uptime is a chart and a table, of a vehicle and of a customer, and a file', async ({
  page,
  server,
}) => {
  await page.goto(`/vehicles/${kalles[0]}?span=1h`);
  await expect(page.getByRole('img', { name: /Uptime/ }).locator('canvas')).toBeVisible();
  await expect(uptime(page).getByRole('row', { name: /Together/ })).toContainText(/%/);
  const file = page
    .getByRole('region', { name: 'Uptime' })
    .getByRole('link', { name: 'Save as CSV' })
    .first();
  const answer = await fetch(new URL((await file.getAttribute('href')) ?? '', server.url));
  expect(await answer.text()).toContain('connected');

  await page.goto('/customers/haralds?span=24h');
  await expect(page.getByRole('img', { name: /Uptime/ }).locator('canvas')).toBeVisible();
  await expect(uptime(page).getByRole('row', { name: /Together/ })).toContainText(/%/);
});

test('all connections and all heartbeats are files', async ({ page, server }) => {
  await page.goto(`/vehicles/${kalles[0]}?span=1h`);
  const links = page.getByRole('link', { name: 'Save as CSV' });
  await expect(links).toHaveCount(3);
  for (const link of await links.all()) {
    const answer = await fetch(new URL((await link.getAttribute('href')) ?? '', server.url));
    expect(answer.headers.get('content-type')).toContain('text/csv');
    expect((await answer.text()).trim().split('\n').length).toBeGreaterThan(1);
  }
  await expect(page.getByRole('row', { name: /buffered/ }).first()).toBeVisible();
});

test('a vehicle that was never heard has a past without a connection', async ({ page }) => {
  await page.goto(`/vehicles/${johans[0]}?span=1h`);
  await expect(periods(page).getByRole('row').nth(1)).toContainText('unknown');
  await page.getByRole('radio', { name: 'Outages' }).click();
  await expect(page.getByRole('heading', { name: 'No outage is known' })).toBeVisible();
});

for (const path of [`/vehicles/${kalles[0]}?span=1h`, '/customers/kalles?span=1h'])
  test(`the past at ${path} has no serious barrier, and room enough on a phone`, async ({ page }) => {
    await page.goto(path);
    await expect(uptime(page).getByRole('row', { name: /Together/ })).toBeVisible();
    await expectGoodInAnyLight(page);
  });
