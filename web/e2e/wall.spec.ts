import { johans, original, originalCsv } from './fleet';
import { expect, test } from './test';

test.use({ command: 'serve --late-after 2s --offline-after 4s' });
test.beforeAll(({ server }) => server.call('POST', '/v1/import', originalCsv));

test('the wall shows share, clock and newest outages on one screen, and Escape leaves it', async ({
  page,
  server,
  beats,
}) => {
  await server.beat(johans[0]);
  beats.of(original.filter((vin) => vin !== johans[0]));
  await page.goto('/?wall');
  await expect(page.getByText('85.7 %')).toBeVisible();
  await expect(page.getByText('online of 7')).toBeVisible();
  await expect(page.getByText(/^\d\d:\d\d:\d\d$/)).toBeVisible();
  await expect(page.getByText(/Central European|CES?T/)).toBeVisible();
  const outages = page.getByRole('region', { name: 'Newest outages' });
  await expect(outages.getByRole('listitem')).toHaveCount(1);
  await expect(outages).toContainText('JOH000');
  await expect(outages).toContainText('Johans Bulk AB');

  // Nothing has to be scrolled, and nothing can be.
  const beyond = await page.evaluate(() => {
    const { scrollWidth, scrollHeight, clientWidth, clientHeight } = document.documentElement;
    return [scrollWidth - clientWidth, scrollHeight - clientHeight];
  });
  expect(beyond).toEqual([0, 0]);
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeHidden();

  await page.keyboard.press('Escape');
  await expect(page).toHaveURL('/');
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible();
});
