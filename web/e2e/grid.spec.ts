import { FleetScreen, haralds } from './fleet';
import { Page, expect, test } from './test';

// Cells stand in the order of customers' names, then of VINs.
const [first, second] = [...haralds].sort();

const grid = (page: Page) => page.getByRole('application', { name: '7 vehicles, a cell each, by customer' });
const tip = (page: Page) => page.locator('fb-cell-tip'); // for the eye only: it is announced to others

test('the pointer on a cell names its vehicle, and a click opens it', async ({ page }) => {
  await page.goto('/?view=grid');
  const box = await grid(page).boundingBox();
  // The names of customers stand above the cells, however high they are.
  await expect(async () => {
    for (let y = 10; y < 60 && !(await tip(page).isVisible()); y += 10)
      await page.mouse.move((box?.x ?? 0) + 8, (box?.y ?? 0) + y);
    await expect(tip(page)).toContainText(first ?? '', { timeout: 1000 });
  }).toPass();
  await expect(tip(page)).toContainText('Haralds Värdetransporter AB');
  await expect(tip(page)).toContainText('online');
  await page.mouse.down();
  await page.mouse.up();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(first ?? '');
});

test('arrow keys name vehicle after vehicle, and Enter opens one', async ({ page }) => {
  await page.goto('/?view=grid');
  await grid(page).focus();
  await page.keyboard.press('Home');
  await expect(tip(page)).toContainText(first ?? '');
  await page.keyboard.press('ArrowDown');
  await expect(tip(page)).toContainText(second ?? '');
  await expect(page.locator('.cdk-live-announcer-element')).toContainText(second ?? '');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(second ?? '');
});

test('the name of a customer in the grid is a filter', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Johans Bulk AB', exact: true }).click();
  await new FleetScreen(page).finds('2');
  await expect(page).toHaveURL('/?customer=johans');
});
