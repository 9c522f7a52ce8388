import { BrowserContext, Page, expect, test as base } from '@playwright/test';

import { Server } from './server';

export { expect };
export type { Page };

/** What a file of tests may choose about its server, by `test.use`. */
export interface ServerOptions {
  /** The command of fleetbeat that is run. */
  command: string;
}

/** Collects what browsers complain about. A test in which something is left of it fails. */
export class Complaints {
  private readonly heard: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Takes a complaint for granted, for instance that a server cannot be reached which the test itself stops. */
  allow(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  listen(context: BrowserContext): void {
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()))
        this.heard.push(`${message.text()} ${message.location().url}`);
    });
    context.on('weberror', (error) => this.heard.push(String(error.error())));
  }

  /** Those that no test expected. */
  get left(): string[] {
    return this.heard.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
  }
}

interface Fixtures {
  complaints: Complaints;
  /** Opens a page as somebody else would: another browser that shares nothing. */
  visit: () => Promise<Page>;
}

/** A test with a server that the tests of its file share, and with browsers that must not complain. */
export const test = base.extend<Fixtures, ServerOptions & { server: Server }>({
  command: ['demo --vehicles 0 --scenario calm', { option: true, scope: 'worker' }],
  server: [
    async ({ command }, use) => {
      const server = await Server.start(command);
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints();
      complaints.listen(context);
      await use(complaints);
      expect(complaints.left, 'what browsers complained about').toEqual([]);
    },
    { auto: true },
  ],
  visit: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext(); // with all that the page of the test has, for instance its size
      contexts.push(context);
      complaints.listen(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});
