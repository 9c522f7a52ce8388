import { Locator, Page, expect } from '@playwright/test';

/** A vehicle and its customer, as the demo has them. */
export const kalles = ['YS2R4X20005399401', 'VLUR4X20009093588', 'VLUR4X20009048066'] as const;
export const johans = ['YS2R4X20005388011', 'YS2R4X20005387949'] as const;
export const haralds = ['YS2R4X20005387765', 'YS2R4X20005387055'] as const;
export const original = [...kalles, ...johans, ...haralds];

/** The original three customers and their vehicles as a file to import. */
export const originalCsv = [
  'vin,registration_number,customer_id,customer_name,customer_address',
  ...kalles.map(
    (vin, i) => `${vin},KAL00${i},kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje"`,
  ),
  ...johans.map((vin, i) => `${vin},JOH00${i},johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm"`),
  ...haralds.map(
    (vin, i) => `${vin},HAR00${i},haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala"`,
  ),
].join('\n');

/** The fleet screen as somebody sees it who uses it. */
export class FleetScreen {
  readonly table: Locator;
  /** The rows of vehicles, without the head. */
  readonly rows: Locator;

  constructor(readonly page: Page) {
    this.table = page.getByRole('table', { name: 'Vehicles' });
    this.rows = this.table.getByRole('row').filter({ has: page.getByRole('link') });
  }

  /** The choice of a presence, which says how many vehicles there are. */
  tile(presence: string): Locator {
    return this.page.getByRole('group', { name: 'Show only vehicles that are' }).getByRole('button', {
      name: presence,
    });
  }

  row(vin: string): Locator {
    return this.rows.filter({ has: this.page.getByRole('link', { name: vin, exact: true }) });
  }

  head(column: string): Locator {
    return this.table.getByRole('columnheader', { name: column, exact: true });
  }

  /** How many vehicles are found, as the table says. */
  async finds(count: string): Promise<void> {
    await expect(this.page.getByRole('heading', { name: /^[\d,]+ vehicles?$/ })).toHaveText(
      count === '1' ? '1 vehicle' : `${count} vehicles`,
    );
  }

  async has(counts: Record<string, number>): Promise<void> {
    for (const [presence, count] of Object.entries(counts))
      await expect(this.tile(presence)).toHaveAccessibleName(`${presence} ${count}`);
  }

  /** Picks a customer in the filter, by a part of the name. */
  async pickCustomer(part: string, offered: string | RegExp): Promise<void> {
    await this.page.getByRole('combobox', { name: 'Customer' }).fill(part);
    await this.page.getByRole('option', { name: offered }).click();
  }
}

/** How the page says that it stands with the server. */
export function connection(page: Page): Locator {
  return page.getByRole('banner').getByRole('status');
}

/** That nothing reaches beyond the right edge of the page. */
export async function expectNoSideways(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth))
    .toBeLessThanOrEqual(0);
}
