import { FleetScreen, johans } from './fleet';
import { Page, expect, test } from './test';

test('without a pointer one goes from the filter to the table, to a vehicle and back', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await fleet.finds('7');

  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'To the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();

  await tabTo(page, 'online');
  await page.keyboard.press('Space');
  await expect(fleet.tile('online')).toHaveAttribute('aria-pressed', 'true');

  await tabTo(page, 'Search');
  await page.keyboard.type('YS2R');
  await fleet.finds('5');
  await tabTo(page, 'Customer');
  await page.keyboard.type('bulk');
  await expect(page.getByRole('option', { name: 'Johans Bulk AB' })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/customer=johans/);
  await fleet.finds('2');
  await expect(fleet.rows).toHaveCount(2);

  const [first, second] = [...johans].sort();
  await tabTo(page, first ?? '');
  await page.keyboard.press('ArrowDown');
  await expect(fleet.row(second ?? '').getByRole('link')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(second ?? '');

  await tabTo(page, 'Back');
  await page.keyboard.press('Enter');
  await fleet.finds('2');
  await expect(page).toHaveURL(/customer=johans/);
});

test('a dialog takes the focus, keeps it, and gives it back', async ({ page }) => {
  await page.goto(`/vehicles/${johans[0]}`);
  await tabTo(page, 'Edit');
  await page.keyboard.press('Enter');
  const form = page.getByRole('dialog');
  await expect(form.getByRole('textbox', { name: 'Registration number' })).toBeFocused();
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press('Tab');
    await expect(form.locator(':focus')).toHaveCount(1);
  }
  await page.keyboard.press('Escape');
  await expect(form).toBeHidden();
  await expect(page.getByRole('button', { name: 'Edit' })).toBeFocused();
});

/** Presses Tab until what has the focus has this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = page.locator(':focus');
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press('Tab');
    const there = focused.and(
      page
        .getByRole('button', { name })
        .or(page.getByRole('link', { name }))
        .or(page.getByRole('searchbox', { name }))
        .or(page.getByRole('combobox', { name })),
    );
    if ((await there.count()) > 0) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}
