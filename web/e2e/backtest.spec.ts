import { Page } from '@playwright/test';

import { expectGoodInAnyLight } from './axe';
import { haralds, kalles, original, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });

// Seven vehicles fall silent; one of them comes back after it was called offline, and falls silent again.
test.beforeAll(async ({ server }) => {
  const silent = () =>
    expect
      .poll(() => server.call('GET', '/v1/summary'), { timeout: 30_000 })
      .toMatchObject({ presence: { offline: 7 } });
  await server.call('POST', '/v1/import', originalCsv);
  await server.beat(...original);
  await silent();
  await server.beat(kalles[0]);
  await expect.poll(() => server.call('GET', '/v1/summary')).toMatchObject({ presence: { online: 1 } });
  await silent();
});

async function ask(page: Page, late: string, offline: string): Promise<void> {
  await page.getByLabel('Late after').fill(late);
  await page.getByLabel('Offline after').fill(offline);
  await page.getByRole('button', { name: 'Test this policy' }).click();
}

const row = (page: Page, name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) });
const cell = (page: Page, name: string, column: number) => row(page, name).getByRole('cell').nth(column);

test('another policy stands beside what was, with what it would have found and not', async ({ page }) => {
  await page.goto('/registry');
  await page.getByRole('tab', { name: 'Test a policy' }).click();
  await expect(page.getByLabel('Late after')).toHaveValue('2s'); // what holds now
  await ask(page, '1h', '2h');
  await expect(cell(page, 'Outages', 0)).toHaveText('8');
  await expect(cell(page, 'Outages', 1)).toHaveText('0');
  await expect(cell(page, 'Outages', 2)).toHaveText('−8');
  await expect(cell(page, 'Not found', 0)).toHaveText('8');
  await expect(page.getByRole('link', { name: haralds[0] })).toBeVisible();

  await ask(page, '2', '3');
  await expect(cell(page, 'Outages', 1)).not.toHaveText('0');
  await expect(cell(page, 'Found earlier', 1)).toHaveText('1 sec');
});

test('one customer can be asked about alone', async ({ page }) => {
  await page.goto('/registry?tab=backtest');
  await page.getByRole('combobox', { name: 'Customer' }).fill('kalle');
  await page.getByRole('option', { name: /Kalles Grus/ }).click();
  await ask(page, '1h', '2h');
  await expect(cell(page, 'Outages', 0)).toHaveText('4');
  await expect(page.getByText('3 vehicles, from')).toBeVisible();
});

test('a policy that cannot be is refused at its field', async ({ page }) => {
  await page.goto('/registry?tab=backtest');
  await ask(page, '10', '5');
  await expect(page.getByText('Not before late after')).toBeVisible();
  await ask(page, '1', '5');
  await expect(page.getByText('At least 2 seconds')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Side by side' })).toHaveCount(0);
});

test('a tested policy has no serious barrier in light and dark, and room enough on a phone', async ({
  page,
}) => {
  await page.goto('/registry?tab=backtest');
  await ask(page, '1h', '2h');
  await expect(row(page, 'Outages')).toBeVisible();
  await expectGoodInAnyLight(page);
});
