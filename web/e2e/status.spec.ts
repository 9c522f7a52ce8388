import { expectGoodInAnyLight } from './axe';
import { original, originalCsv } from './fleet';
import { deployment } from './server';
import { expect, test } from './test';

test.use({ command: 'serve --sign-every 200ms' });
test.beforeAll(async ({ server }) => {
  await server.call('POST', '/v1/import', originalCsv);
  await server.beat(...original);
  await expect.poll(async () => (await fetch(`${server.url}/v1/proof/checkpoint`)).ok).toBe(true);
});

test('the status tells whether it listens, what is stored and what was verified', async ({
  page,
  server,
}) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Status' }).click();
  await expect(page.getByRole('region', { name: 'Listening' })).toContainText('It hears itself');
  const proof = page.getByRole('region', { name: 'Log and proof' });
  await expect(proof).toContainText('up to position');
  await expect(proof).toContainText('none');
  const key = await (await fetch(`${server.url}/v1/proof/key`)).text();
  await expect(proof).toContainText(key.trim());
  const log = page.getByRole('row', { name: /^Log / });
  await expect(log).toContainText(/[kM]B/);
  await expect(page.getByText('by Fleetbeat')).toContainText('free');
});

test('a stop of the server is an unobserved time, with its reason', async ({ page, server, complaints }) => {
  test.skip(deployment !== undefined, 'what is deployed is not killed by this test');
  complaints.allow(/ERR_|503/);
  await page.goto('/status');
  await expect(page.getByText('There was none')).toBeVisible();
  await server.kill();
  await expect(page.getByRole('alert').first()).toContainText('The server cannot be reached');
  await server.run();
  await expect(page.getByRole('row', { name: /the server crashed/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Log and proof' })).toContainText('none');
});

test('the status has no serious barrier in light and dark, and room enough on a phone', async ({ page }) => {
  await page.goto('/status');
  await expect(page.getByRole('row', { name: /^Log / })).toBeVisible();
  await expectGoodInAnyLight(page);
});
