import { FleetScreen } from './fleet';
import { expect, test } from './test';

const vehicles = 100_000;
const vin = (n: number) => `V-${String(n).padStart(6, '0')}`;

test.use({ command: 'serve' });
test.beforeAll(async ({ server }) => {
  const lines = ['vin,customer_id,customer_name'];
  for (let n = 1; n <= vehicles; n++) lines.push(`${vin(n)},c${n % 100},Customer ${n % 100}`);
  await server.call('POST', '/v1/import', lines.join('\n'));
});

test('one scrolls through 100,000 vehicles, to the very last', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?view=table');
  await fleet.finds('100,000');
  await expect(fleet.table).toHaveAttribute('aria-rowcount', '100001');
  await expect(fleet.row(vin(1))).toBeVisible();

  await fleet.row(vin(1)).hover();
  await page.mouse.wheel(0, 44 * 250);
  await expect(fleet.row(vin(255))).toBeVisible();
  await expect(fleet.row(vin(1))).toHaveCount(0);

  await fleet.row(vin(255)).getByRole('link').focus();
  await page.keyboard.press('End');
  await expect(fleet.row(vin(vehicles))).toBeVisible();
  await expect(fleet.row(vin(vehicles))).toHaveAttribute('aria-rowindex', '100001');
});

test('the keyboard is in the last row after End, and in the first after Home', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?view=table');
  await fleet.row(vin(1)).getByRole('link').focus();
  await page.keyboard.press('End');
  await expect(fleet.row(vin(vehicles)).getByRole('link')).toBeFocused();
  await page.keyboard.press('Home');
  await expect(fleet.row(vin(1)).getByRole('link')).toBeFocused();
});

test('a search among 100,000 vehicles finds the one', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?view=table');
  await fleet.finds('100,000');
  await page.getByRole('searchbox', { name: 'Search' }).fill('99999');
  await fleet.finds('1');
  await expect(fleet.row(vin(99_999))).toContainText('Customer 99');
});
