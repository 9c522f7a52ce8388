import AxeBuilder from '@axe-core/playwright';
import { Page, expect } from '@playwright/test';

import { expectNoSideways } from './fleet';

/** What axe finds that is serious or critical: which rule, and where. */
export async function barriers(page: Page): Promise<string[]> {
  // The page has no frames: what axe calls legacy needs no second page to add up what is in them.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Whether the page is written dark on light or the other way round. */
export function lightness(page: Page): Promise<'light' | 'dark'> {
  return page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d');
    if (!context) throw new Error('no canvas');
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return red + green + blue > 3 * 128 ? 'light' : 'dark';
  });
}

/** That nothing stays on a page that axe finds. What is dimmed while it loads anew passes by itself. */
async function expectNoBarriers(page: Page, where: string): Promise<void> {
  await expect.poll(() => barriers(page), { message: where, timeout: 15_000 }).toEqual([]);
}

/** That a page has no serious barrier in light and in dark, and room enough on a phone, which it is left with. */
export async function expectGoodInAnyLight(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(() => lightness(page)).toBe('light');
  await expectNoBarriers(page, 'in light');

  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => lightness(page)).toBe('dark');
  await expectNoBarriers(page, 'in dark');

  await page.setViewportSize({ width: 360, height: 780 });
  await expectNoSideways(page);
}
