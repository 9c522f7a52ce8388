import { kalles } from './fleet';
import { expect, test } from './test';

test.use({ locale: 'sv-SE' });

test('a browser that speaks Swedish gets a Swedish page, and may choose English', async ({ page }) => {
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('lang', 'sv');
  await expect(page.getByRole('heading', { name: '7 fordon' })).toBeVisible();
  await page.getByRole('link', { name: 'Kunder' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kunder');
  await page.getByRole('link', { name: 'Kalles Grustransporter AB' }).click();
  await page.getByRole('link', { name: kalles[0] }).first().click();
  await expect(page.getByText('Senaste hjärtslag, efter vår klocka')).toBeVisible();

  await page.getByRole('button', { name: 'Inställningar' }).click();
  await page.getByRole('menuitemradio', { name: 'English' }).click();
  await expect(page.getByText('Last heartbeat, by our clock')).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.reload();
  await expect(page.getByText('Last heartbeat, by our clock')).toBeVisible();
});
