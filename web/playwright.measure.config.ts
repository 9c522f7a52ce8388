import { defineConfig } from '@playwright/test';

import base from './playwright.config';

/** What takes minutes and is no test: the pictures of the documents, and the dashboard's figures. */
export default defineConfig({
  ...base,
  testDir: 'measure',
  workers: 1,
  timeout: 30 * 60_000,
  use: { ...base.use, trace: 'off' },
});
