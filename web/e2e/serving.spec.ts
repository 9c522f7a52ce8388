import { expect, test } from './test';

test.use({ command: 'serve' });

const page = { headers: { Accept: 'text/html' } };

test('the page is asked for anew each time, and allows no script but its own', async ({ request }) => {
  const answer = await request.get('/', page);
  const headers = answer.headers();
  expect(answer.status()).toBe(200);
  expect(headers['cache-control']).toBe('no-cache');
  const scripts = /script-src ([^;]*)/.exec(headers['content-security-policy'] ?? '')?.[1];
  expect(scripts).toBe("'self'");
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toMatch(/unsafe-(inline|eval)/);
});

test('its files are kept for ever and sent small', async ({ request }) => {
  const html = await (await request.get('/', page)).text();
  const files = [...html.matchAll(/(?:src|href)="([^"]+-[\w-]{8}\.(?:js|css))"/g)].map(([, name]) => name);
  expect(files.length).toBeGreaterThan(1);
  for (const name of files) {
    const answer = await request.get(`/${name}`, { headers: { 'Accept-Encoding': 'gzip, br' } });
    expect(answer.headers()).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'br',
    });
  }
});

test('a path of the API that there is not is refused in JSON', async ({ request }) => {
  const answer = await request.get('/v1/no-such-thing', page);
  expect(answer.status()).toBe(404);
  expect(answer.headers()['content-type']).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ status: 404 });
});

test('an address that leads nowhere shows the dashboard, which says so', async ({ page }) => {
  await page.goto('/no/such/page');
  await expect(page.getByRole('heading', { name: 'There is nothing at this address' })).toBeVisible();
  await page.getByRole('link', { name: 'To the fleet' }).click();
  await expect(page).toHaveURL('/');
});
