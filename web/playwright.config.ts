import { defineConfig } from '@playwright/test';

import { ServerOptions } from './e2e/test';

/** Tests of the dashboard in a browser, each file against a server of its own. */
export default defineConfig<ServerOptions>({
  testDir: 'e2e',
  forbidOnly: !!process.env['CI'],
  workers: 2,
  timeout: 300_000, // milliseconds; some of them walk far, and a machine may have other things to do
  expect: { timeout: 30_000 },
  reporter: 'list',
  outputDir: 'test-results',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox', // CI runs as root
        '--disable-dev-shm-usage',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--font-render-hinting=none',
        '--disable-background-networking',
      ],
    },
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Stockholm',
    colorScheme: 'light',
    contextOptions: { reducedMotion: 'reduce' },
    trace: 'retain-on-failure',
  },
});
