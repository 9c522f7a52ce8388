import { BrowserContext, Page, expect, test as base } from '@playwright/test';

import { Beats, Server } from './server';

export { expect };
export type { Page };

/** What a file of tests may choose, by `test.use`. */
export interface ServerOptions {
  /** The command of fleetbeat that its server runs. */
  command: string;
}

/** The server of the file whose tests are being run. */
class CurrentServer {
  private use = '';
  private server: Server | undefined;

  async of(file: string, command: string): Promise<Server> {
    const use = `${file} ${command}`;
    if (use !== this.use) await this.stop();
    this.use = use;
    return (this.server ??= await Server.start(command));
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    this.server = undefined;
  }
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

interface Fixtures extends ServerOptions {
  /** The server that the tests of the file share. */
  server: Server;
  complaints: Complaints;
  /** Vehicles that report twice a second until the end of the test. */
  beats: Beats;
  /** Opens a page as somebody else would: another browser that shares nothing. */
  visit: () => Promise<Page>;
}

/** A test with a server that the tests of its file share, and with browsers that must not complain. */
export const test = base.extend<Fixtures, { currentServer: CurrentServer }>({
  command: ['demo --vehicles 0 --scenario calm', { option: true }],
  currentServer: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of what a fixture needs from here
    async ({}, use) => {
      const current = new CurrentServer();
      await use(current);
      await current.stop();
    },
    { scope: 'worker' },
  ],
  server: async ({ currentServer, command }, use, info) => use(await currentServer.of(info.file, command)),
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
  beats: async ({ server }, use) => {
    const beats = new Beats(server);
    await use(beats);
    beats.stop();
  },
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
