import { FleetScreen } from './fleet';
import { Page, expect, test } from './test';

const csv = `vin,registration_number,customer_id,customer_name,tags
A-1,R-3,b,Bulk AB,winter
A-2,R-1,c,Cement AB,winter;gravel
A-3,R-4,a,Asfalt AB,gravel
A-4,R-2,d,Diesel AB,
`;

test.use({ command: 'serve' });
test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', csv);
  // Presence began in this order; the one that began first was heard last.
  for (const vin of ['A-2', 'A-4', 'A-1', 'A-3', 'A-2']) await server.beat(vin);
});

const orders: { column: string; first: string[]; sort: 'ascending' | 'descending' }[] = [
  { column: 'VIN', first: ['A-4', 'A-3', 'A-2', 'A-1'], sort: 'descending' }, // it is sorted by VIN already
  { column: 'Registration', first: ['A-2', 'A-4', 'A-1', 'A-3'], sort: 'ascending' },
  { column: 'Customer', first: ['A-3', 'A-1', 'A-2', 'A-4'], sort: 'ascending' },
  { column: 'Since', first: ['A-3', 'A-1', 'A-4', 'A-2'], sort: 'descending' },
  { column: 'Last heartbeat', first: ['A-2', 'A-3', 'A-1', 'A-4'], sort: 'descending' },
];

test('every column that has an order sorts the fleet, both ways', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await expect(fleet.rows).toContainText(['A-1', 'A-2', 'A-3', 'A-4']);
  for (const { column, first, sort } of orders) {
    await fleet.head(column).getByRole('button').click();
    await expect(fleet.rows).toContainText(first);
    await expect(fleet.head(column)).toHaveAttribute('aria-sort', sort);
    await fleet.head(column).getByRole('button').click();
    await expect(fleet.rows).toContainText([...first].reverse());
    await expect(fleet.head(column)).toHaveAttribute('aria-sort', other(sort));
  }
});

test('columns are chosen, and chosen still after a reload', async ({ page }) => {
  const fleet = new FleetScreen(page);
  await page.goto('/');
  await expect(fleet.head('Customer')).toBeVisible();
  await page.getByRole('button', { name: 'Columns' }).click();
  for (const column of ['Customer', 'Tags', 'Heartbeats', 'Policy']) await toggle(page, column);
  await expect(page.getByRole('menuitemcheckbox', { name: 'Tags' })).toHaveAttribute('aria-checked', 'true');
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(fleet.table.getByRole('columnheader')).toHaveText(
    ['Presence', 'VIN', 'Registration', 'Since', 'Last heartbeat', 'Tags', 'Heartbeats', 'Policy'].map(
      (name) => new RegExp(name),
    ),
  );
  await expect(fleet.row('A-2').getByRole('cell')).toContainText(['online', 'A-2', 'R-1', '', '', 'gravel']);
  await expect(fleet.row('A-2').getByRole('cell').nth(6)).toHaveText('2');
});

function toggle(page: Page, column: string): Promise<void> {
  return page.getByRole('menuitemcheckbox', { name: column }).click();
}

function other(sort: 'ascending' | 'descending') {
  return sort === 'ascending' ? 'descending' : 'ascending';
}
