import { FleetScreen, haralds, johans, kalles } from './fleet';
import { expect, test } from './test';

// Five of the original seven are online, two are paused.
test.beforeAll(async ({ server }) => {
  for (const vin of [kalles[0], johans[0]]) await server.call('POST', `/v1/vehicles/${vin}/pause`);
});

test('vehicles are found by the name of their customer', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await fleet.finds('7');
  await fleet.has({ online: 5, paused: 2 });

  await fleet.pickCustomer('grus', 'Kalles Grustransporter AB 3');

  await fleet.finds('3');
  await fleet.has({ online: 2, paused: 1, offline: 0 });
  await expect(fleet.rows).toContainText(['Kalles', 'Kalles', 'Kalles']);
  await expect(page).toHaveURL('/?customer=kalles');
});

test('a customer is found by words of the search, whatever the case and accents', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await page.getByRole('searchbox', { name: 'Search' }).fill('SODERTALJE');
  await fleet.finds('3');
  await expect(page).toHaveURL('/?q=SODERTALJE');
  await page.getByRole('button', { name: 'Empty the search' }).click();
  await fleet.finds('7');
});

test('vehicles are found by presence', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await fleet.tile('paused').click();
  await expect(fleet.tile('paused')).toHaveAttribute('aria-pressed', 'true');
  await fleet.finds('2');
  await expect(fleet.rows).toContainText([johans[0], kalles[0]].sort());
  await fleet.tile('online').click();
  await fleet.finds('7');
  await expect(page).toHaveURL(/presence=paused&presence=online/);
});

test('customer and presence together narrow the fleet, and counts beside the choices are right', async ({
  page,
}) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await fleet.pickCustomer('kalles', 'Kalles Grustransporter AB 3');
  await fleet.pickCustomer('johans', 'Johans Bulk AB 2');
  await fleet.finds('5');
  await fleet.has({ online: 3, late: 0, offline: 0, unknown: 0, paused: 2 });

  await fleet.tile('online').click();
  await fleet.finds('3');
  await expect(fleet.rows).toContainText([...kalles.slice(1), johans[1]].sort());
  // What another choice would find stays in sight.
  await fleet.has({ online: 3, paused: 2 });
  await page.getByRole('combobox', { name: 'Customer' }).click();
  await expect(page.getByRole('option')).toHaveText([
    /Haralds Värdetransporter AB\s+2/,
    /Kalles Grustransporter AB\s+2/,
    /Johans Bulk AB\s+1/,
  ]);
});

test('the address holds the filters, and shows the same to whoever opens it', async ({ page, visit }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await fleet.pickCustomer('kalles', 'Kalles Grustransporter AB 3');
  await fleet.tile('online').click();
  await fleet.head('Registration').getByRole('button').click();
  await page.getByRole('searchbox', { name: 'Search' }).fill('VLUR');
  await fleet.finds('2');
  await expect(page).toHaveURL(/q=VLUR/);
  await expect(fleet.rows).toContainText(['DEF456', 'GHI789']);

  const other = await visit();
  await other.goto(page.url());
  const same = new FleetScreen(other);
  await same.finds('2');
  await expect(same.rows).toContainText(['DEF456', 'GHI789']);
  await expect(same.tile('online')).toHaveAttribute('aria-pressed', 'true');
  await expect(same.head('Registration')).toHaveAttribute('aria-sort', 'ascending');
  await expect(other.getByRole('searchbox', { name: 'Search' })).toHaveValue('VLUR');
  await expect(other.getByRole('list', { name: 'Filters' })).toContainText('Kalles Grustransporter AB');
});

test('filters are taken away one by one, all at once, and by going back', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?customer=haralds&customer=johans&presence=online');
  await fleet.finds('3');
  await page.getByRole('button', { name: 'Without Johans Bulk AB' }).click();
  await fleet.finds('2');
  await expect(fleet.rows).toContainText([...haralds].sort());
  await page.getByRole('button', { name: 'Clear all filters' }).click();
  await fleet.finds('7');
  await expect(page).toHaveURL('/');
  await page.goBack();
  await fleet.finds('2');
});

test('a view is kept under a name, chosen again after a reload, and forgotten', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/?customer=kalles&presence=paused');
  await fleet.finds('1');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('textbox', { name: 'Name of this view' }).fill('Kalles at rest');
  await page.getByRole('button', { name: 'Keep' }).click();
  await page.keyboard.press('Escape');

  await page.goto('/');
  await fleet.finds('7');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('button', { name: 'Kalles at rest', exact: true }).click();
  await fleet.finds('1');
  await expect(page).toHaveURL('/?customer=kalles&presence=paused');

  await page.getByRole('button', { name: 'Kalles at rest' }).click();
  await page.getByRole('button', { name: 'Forget the view Kalles at rest' }).click();
  await expect(page.getByRole('button', { name: 'Kalles at rest', exact: true })).toHaveCount(0);
});
