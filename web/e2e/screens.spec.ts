import { barriers, expectGoodInAnyLight, lightness } from './axe';
import { haralds, johans, kalles } from './fleet';
import { Page, expect, test } from './test';

test.beforeAll(async ({ server }) => {
  await server.call('POST', `/v1/vehicles/${kalles[0]}/pause`);
  await server.beat('UNHEARD-OF');
});

const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, exact: true });
const link = (name: string) => (page: Page) => page.getByRole('link', { name }).first();

// Every screen, and what is there once it is loaded.
const screens = [
  { name: 'the fleet', path: '/', shown: heading('7 vehicles') },
  { name: 'the fleet, filtered', path: '/?customer=kalles&presence=paused', shown: heading('1 vehicle') },
  { name: 'a fleet of nobody', path: '/?q=nosuchthing', shown: heading('No vehicle is like that') },
  { name: 'a vehicle', path: `/vehicles/${haralds[0]}`, shown: (page: Page) => page.getByRole('row').nth(3) },
  {
    name: 'a vehicle that is none',
    path: '/vehicles/NONE',
    shown: heading('This vehicle is not registered'),
  },
  { name: 'the customers', path: '/customers', shown: link('Kalles Grustransporter AB') },
  { name: 'a customer', path: '/customers/kalles', shown: link(kalles[0]) },
  { name: 'the activity', path: '/activity', shown: link(kalles[0]) },
  { name: 'the registry', path: '/registry', shown: heading('Import') },
  {
    name: 'vehicles that are heard',
    path: '/registry?tab=heard',
    shown: (page: Page) => page.getByText('UNHEARD-OF'),
  },
  {
    name: 'the default policy',
    path: '/registry?tab=policy',
    shown: (page: Page) => page.getByLabel('Late after'),
  },
  { name: 'nowhere', path: '/no/such/page', shown: heading('There is nothing at this address') },
];

for (const { name, path, shown } of screens) {
  test(`${name}: no serious barrier in light and dark, and room enough on a phone`, async ({
    page,
    complaints,
  }) => {
    if (path === '/vehicles/NONE') complaints.allow(/404/);
    await page.goto(path);
    await expect(shown(page)).toBeVisible();
    await expectGoodInAnyLight(page);
  });
}

test('forms, questions and menus: no serious barrier', async ({ page }) => {
  await page.goto(`/vehicles/${johans[0]}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('checkbox', { name: 'A policy of its own' }).check();
  expect.soft(await barriers(page), 'the form of a vehicle').toEqual([]);
  await page.goto('/customers/kalles');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('checkbox', { name: 'A policy of its own' }).check();
  expect.soft(await barriers(page), 'the form of a customer').toEqual([]);
  await page.reload();
  await page.getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  expect.soft(await barriers(page), 'a question').toEqual([]);
  await page.goto('/');
  for (const name of ['Settings', 'Columns']) {
    await page.getByRole('button', { name, exact: true }).click();
    await expect(page.getByRole('menu')).toBeVisible();
    expect.soft(await barriers(page), name).toEqual([]);
    await page.keyboard.press('Escape');
  }
});

test('the views of a person are a dialog without a serious barrier, and Escape leads back', async ({
  page,
}) => {
  await page.goto('/');
  const views = page.getByRole('button', { name: 'Views', exact: true });
  await views.click();
  await expect(page.getByRole('dialog', { name: 'Views' })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Name of this view' })).toBeFocused();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(views).toBeFocused();
});

test('light and dark are chosen in the settings, whatever the system says', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await expect.poll(() => lightness(page)).toBe('dark');
  await page.reload();
  await expect.poll(() => lightness(page)).toBe('dark');
});

test('a compact table has lower rows', async ({ page }) => {
  await page.goto('/?view=table');
  const row = page.getByRole('row', { name: kalles[0] });
  const comfortable = (await row.boundingBox())?.height ?? 0;
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemradio', { name: 'Compact' }).click();
  await expect.poll(async () => (await row.boundingBox())?.height).toBeLessThan(comfortable);
});
