import { readFile } from 'node:fs/promises';

import { FleetScreen } from './fleet';
import { Page, expect, test } from './test';

test.use({ command: 'serve' });

const wrong = `vin,registration_number,customer_id,customer_name
TRAILER-1,AAA 111,nord,Nordströms Åkeri AB
YS2R4X2000542234I,BBB 222,nord,Nordströms Åkeri AB
TRAILER-3,CCC 333,,
`;

test('a file with wrong lines is shown, its errors line by line, and nothing is changed', async ({
  page,
  server,
}) => {
  await page.goto('/registry');
  await choose(page, 'fleet.csv', wrong);

  const preview = page.getByRole('region', { name: 'The first lines' });
  await expect(preview.getByRole('row')).toContainText([
    'registration_number',
    'AAA 111',
    'BBB 222',
    'CCC 333',
  ]);
  await expect(
    page.getByRole('heading', { name: 'Some of it is wrong. Nothing is written yet' }),
  ).toBeVisible();
  const errors = page.getByRole('region', { name: '2 lines are wrong' });
  await expect(errors.getByRole('row').nth(1)).toContainText(/^\s*3\s*vin\s*has the letter I/);
  await expect(errors.getByRole('row').nth(1)).toContainText('YS2R4X2000542234I');
  await expect(errors.getByRole('row').nth(2)).toContainText(/^\s*4/);
  await expect(page.getByRole('button', { name: 'Import 1 vehicle' })).toBeDisabled();
  expect(await server.call('GET', '/v1/summary')).toMatchObject({ vehicles: 0, customers: 0 });
});

test('a good file is imported with its progress in sight, and the export has it', async ({ page }) => {
  const lines = ['vin,registration_number,customer_id,customer_name'];
  for (let n = 1; n <= 20_000; n++) lines.push(`TRUCK-${n},REG ${n},syd,Sydfrakt AB`);
  await page.goto('/registry');
  const network = await page.context().newCDPSession(page);
  await choose(page, 'good.csv', lines.join('\n'));
  await expect(
    page.getByRole('heading', { name: 'All lines are right. Nothing is written yet' }),
  ).toBeVisible();

  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 }; // bytes per second
  await network.send('Network.emulateNetworkConditions', slow);
  await page.getByRole('button', { name: 'Import 20,000 vehicles' }).click();
  await expect(page.getByRole('progressbar', { name: 'Sent' })).toHaveAttribute('aria-valuenow', /^[1-9]/);
  await expect(page.getByRole('heading', { name: 'Imported' })).toBeVisible();
  await expect(figure(page, 'Vehicles added')).toHaveText('20,000');
  await expect(figure(page, 'Customers added')).toHaveText('1');

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export as CSV' }).click();
  const exported = await readFile(await (await download).path(), 'utf8');
  expect(exported).toContain('TRUCK-20000,REG 20000,syd,Sydfrakt AB');
  expect(exported.trim().split('\n').length).toBe(20_001);

  await page.getByRole('link', { name: 'See the fleet' }).click();
  await new FleetScreen(page).finds('20,000');
});

test('a vehicle that reports and is not registered is added with one click', async ({ page, server }) => {
  await server.call('POST', '/v1/customers', { id: 'nord', name: 'Nordströms Åkeri AB' });
  for (const vin of ['UNHEARD-OF-1', 'UNHEARD-OF-2']) await server.beat(vin);

  await page.goto('/registry?tab=heard');
  const heard = page.getByRole('region', { name: 'Heard, not registered' });
  await expect(heard.getByRole('row')).toContainText(['VIN', 'UNHEARD-OF-2', 'UNHEARD-OF-1']);
  await heard.getByRole('combobox', { name: 'Customer' }).fill('nord');
  await page.getByRole('option', { name: 'Nordströms Åkeri AB' }).click();

  await heard.getByRole('button', { name: 'Add UNHEARD-OF-1 to Nordströms Åkeri AB' }).click();
  await expect(heard.getByRole('button', { name: 'UNHEARD-OF-1 is added' })).toBeVisible();
  await server.beat('UNHEARD-OF-1');
  await page.goto('/vehicles/UNHEARD-OF-1');
  await expect(page.getByRole('region', { name: 'Now' })).toContainText('online');
  await page.goto('/registry?tab=heard');
  await expect(heard.getByRole('row')).toContainText(['VIN', 'UNHEARD-OF-2']);
});

function choose(page: Page, name: string, content: string): Promise<void> {
  const file = { name, mimeType: 'text/csv', buffer: Buffer.from(content) };
  return page.getByLabel('CSV file').setInputFiles(file);
}

function figure(page: Page, name: string) {
  return page.getByRole('definition').and(page.locator(`dt:text-is("${name}") + dd`));
}
