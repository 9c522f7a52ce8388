import { expect, test } from '@playwright/test';

import { expectGoodInAnyLight } from './axe';
import { FleetScreen, haralds, kalles } from './fleet';

// A deployment that holds the original fleet, with its simulator running: FLEETBEAT_DEPLOYED is its address.
const deployed = process.env['FLEETBEAT_DEPLOYED'];

test.skip(!deployed, 'no deployment is given');
test.use({ baseURL: deployed });

test('the fleet is there, online and live, through the entrance', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?customer=kalles');
  await fleet.finds('3');
  await fleet.has({ online: 3, late: 0, offline: 0 });
  await expect(fleet.rows).toContainText(['Kalles', 'Kalles', 'Kalles']);
  await expectGoodInAnyLight(page);
});

test('a change that is made on one screen shows on another', async ({ browser, page, request }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?customer=kalles');
  await fleet.has({ online: 3, paused: 0 });
  const other = await browser.newPage();
  await other.goto(`${deployed}/?customer=kalles`);
  const otherFleet = new FleetScreen(other);
  await otherFleet.has({ online: 3, paused: 0 });

  const paused = await request.post(`/v1/vehicles/${kalles[0]}/pause`);
  expect(paused.ok()).toBeTruthy();
  await fleet.has({ online: 2, paused: 1 });
  await otherFleet.has({ online: 2, paused: 1 });

  const resumed = await request.post(`/v1/vehicles/${kalles[0]}/resume`);
  expect(resumed.ok()).toBeTruthy();
  await fleet.has({ paused: 0 });
  await otherFleet.has({ paused: 0 });
  await other.close();
});

test('a vehicle tells its past', async ({ page }) => {
  await page.goto(`/vehicles/${haralds[0]}`);
  await expect(page.getByRole('row').nth(1)).toBeVisible();
  await expect(page.getByText('Haralds Värdetransporter AB').first()).toBeVisible();
});

test('the status names the doors in service', async ({ page }) => {
  await page.goto('/status');
  const listening = page.getByRole('region', { name: 'Listening' });
  await expect(listening).toContainText('It hears itself');
  await expect(listening).toContainText('Doors in service');
  await expect(listening).toContainText('ingest-1');
  await expect(listening).toContainText('ingest-2');
  await expectGoodInAnyLight(page);
});
