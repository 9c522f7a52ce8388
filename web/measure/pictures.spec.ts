import { Page, expect, test } from '@playwright/test';
import { join } from 'node:path';

import { Server } from '../e2e/server';

const folder = join(import.meta.dirname, '../../docs/images');

/** Waits until some share of the fleet is online, in percent. */
async function settled(page: Page, share: number): Promise<void> {
  await expect
    .poll(async () => parseFloat((await page.locator('.share b').textContent()) ?? ''), { timeout: 300_000 })
    .toBeGreaterThanOrEqual(share);
}

test.describe('a fleet of 500', () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start('demo --vehicles 500');
  });
  test.afterAll(() => server.stop());

  test('the fleet in daylight, a vehicle', async ({ page }) => {
    await page.goto(server.url);
    await settled(page, 95);
    const offline = page
      .getByRole('group', { name: 'Show only vehicles that are' })
      .getByRole('button')
      .nth(2);
    await expect(offline).not.toHaveText(/^\D*[0-4]$/, { timeout: 120_000 }); // something has happened
    await page.screenshot({ path: join(folder, 'fleet-light.png') });
    // A vehicle that was offline and is back has a story.
    interface Story {
      items: { vin: string; from: string; to: string }[];
    }
    const back = async () => {
      const { items } = await server.call<Story>('GET', '/v1/transitions?limit=500');
      return items.find(({ from, to }) => from === 'offline' && to === 'online')?.vin;
    };
    await expect.poll(back, { timeout: 120_000 }).toBeTruthy();
    await page.goto(`${server.url}/vehicles/${await back()}?span=1h`);
    await expect(page.getByRole('table').first()).toBeVisible();
    await page.waitForLoadState('networkidle').catch(() => undefined); // the live stream never ends
    await page.screenshot({ path: join(folder, 'vehicle.png') });
  });
});

test.describe('a fleet of 100,000', () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start('demo --vehicles 100000 --interval 20s');
  });
  test.afterAll(() => server.stop());
  test.use({ colorScheme: 'dark', viewport: { width: 1920, height: 1080 } });

  test('the wall at night', async ({ page }) => {
    await page.goto(`${server.url}/?wall`);
    await settled(page, 97);
    await expect(page.locator('.outages b')).not.toHaveCount(0, { timeout: 300_000 });
    await expect(page.locator('.still')).toBeVisible(); // the pointer and the buttons are gone
    await page.screenshot({ path: join(folder, 'wall-dark.png') });
  });
});
