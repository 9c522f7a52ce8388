import { Page } from '@playwright/test';

import { expectGoodInAnyLight } from './axe';
import { FleetScreen, haralds, johans, kalles, original, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });

let reported: string; // a moment at which all seven were online
let silent: string; // one at which none was

test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', originalCsv);
  await server.beat(...original);
  reported = new Date().toISOString();
  await expect
    .poll(() => server.call('GET', '/v1/summary'), { timeout: 30_000 })
    .toMatchObject({ presence: { offline: 7 } });
  silent = new Date().toISOString();
  await server.call('POST', '/v1/vehicles', { vin: 'ADDED-LATER', customer_id: 'kalles' });
});

const bar = (page: Page) => page.getByRole('group', { name: 'Time', exact: true });
const slider = (page: Page) => bar(page).getByRole('slider', { name: 'Moment' });

test('an address with a moment shows the fleet as it was: counts, table, and not who came later', async ({
  page,
}) => {
  const fleet = new FleetScreen(page);
  await page.goto(`/?at=${reported}`);
  await expect(bar(page)).toContainText('The past');
  await fleet.finds('7');
  await fleet.has({ online: 7, offline: 0 });
  await expect(fleet.row(kalles[0])).toContainText('online');
  await expect(fleet.row('ADDED-LATER')).toHaveCount(0);

  await page.goto(`/?at=${silent}`);
  await fleet.has({ online: 0, offline: 7 });
  await page.goto('/');
  await fleet.finds('8');
});

test('filters, order and the grid hold in the past too', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto(`/?at=${silent}&customer=johans`);
  await fleet.finds('2');
  await expect(fleet.row(johans[0])).toContainText('offline');
  const grid = page.getByRole('application');
  await expect(grid).toHaveAccessibleName(/^2 vehicles/);
  await grid.focus();
  await page.keyboard.press('Home');
  await expect(page.locator('fb-cell-tip')).toContainText('offline');
  await fleet.tile('online').click();
  await fleet.finds('0');
  await expect(page.getByRole('heading', { name: 'No vehicle was like that' })).toBeVisible();
  await expect(page).toHaveURL(/at=/);
});

test('the past stands still while the present goes on, and one key leads back', async ({
  page,
  server,
  beats,
}) => {
  const fleet = new FleetScreen(page);
  await page.goto(`/?at=${silent}`);
  await fleet.has({ online: 0, offline: 7 });
  beats.of([haralds[0]]);
  await expect
    .poll(() => server.call('GET', '/v1/summary'))
    .toMatchObject({ presence: { online: 1, offline: 6 } });
  await expect(fleet.row(haralds[0])).toContainText('offline');
  await fleet.has({ online: 0, offline: 7 });

  await page.keyboard.press('l');
  await expect(page).toHaveURL('/');
  await fleet.has({ online: 1, offline: 6 });
  await expect(fleet.row(haralds[0])).toContainText('online');
});

test('the slider is moved by keys, into the past and back to the present', async ({ page }) => {
  await page.goto('/');
  await new FleetScreen(page).finds('8');
  await page.keyboard.press('t');
  await slider(page).focus();
  await expect(slider(page)).toHaveAttribute('aria-valuetext', 'Now');
  await page.keyboard.press('PageDown');
  await expect(page).toHaveURL(/at=/);
  await expect(bar(page)).toContainText('The past');
  await expect(slider(page)).toHaveAttribute('aria-valuetext', /\d{2}:\d{2}:\d{2}/);
  await page.keyboard.press('End');
  await expect(page).toHaveURL('/');
  await expect(bar(page)).toContainText('Now');
});

test('before there was a fleet there is none, and the page says so', async ({ page }) => {
  await page.goto('/?at=2020-01-01T00:00:00Z');
  await expect(page.getByRole('heading', { name: 'There was no vehicle at that time' })).toBeVisible();
  await bar(page).getByRole('button', { name: 'Back to live' }).click();
  await new FleetScreen(page).finds('8');
});

test('the past has no serious barrier in light and dark, and room enough on a phone', async ({ page }) => {
  await page.goto(`/?at=${silent}`);
  await new FleetScreen(page).finds('7');
  await expectGoodInAnyLight(page);
});
