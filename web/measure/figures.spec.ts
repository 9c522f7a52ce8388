import { Browser, CDPSession, Page, expect, test } from '@playwright/test';

import { Server } from '../e2e/server';

const minutes = Number(process.env['MINUTES'] ?? 10); // for which the heap is watched
const rounds = 5; // of loading
const perSecond = 20_000; // changed cells
const stages = 3; // changes of one silent vehicle: online, late, offline
const batch = 100; // milliseconds between two batches of heartbeats

/** When there was something to see, and a row of the table, in milliseconds; and the bytes of JavaScript until then. */
interface Load {
  paint: number;
  table: number;
  script: number;
}

/** A CSV of so many vehicles of customers of 500 each. */
function fleetOf(vehicles: number): string {
  const lines = ['vin,registration_number,customer_id,customer_name'];
  for (let i = 0; i < vehicles; i++) {
    const customer = Math.floor(i / 500);
    lines.push(`${vin(i)},R${i},c${customer},Customer ${customer}`);
  }
  return lines.join('\n');
}

function vin(index: number): string {
  return `MEASURED${String(index).padStart(9, '0')}`;
}

function say(what: string, figure: string): void {
  process.stdout.write(`| ${what} | ${figure} |\n`);
}

async function registered(command: string, vehicles: number): Promise<Server> {
  const server = await Server.start(command);
  const some = 100_000; // in one import
  const lines = fleetOf(vehicles).split('\n');
  for (let from = 1; from < lines.length; from += some)
    await server.call('POST', '/v1/import', [lines[0], ...lines.slice(from, from + some)].join('\n'));
  return server;
}

test('loading with 100,000 vehicles', async ({ browser }) => {
  const server = await registered('serve', 100_000);
  const loads: Load[] = [];
  for (let round = 0; round < rounds; round++) loads.push(await load(browser, server.url));
  await server.stop();
  const worst = (key: 'paint' | 'table' | 'script') => Math.max(...loads.map((one) => one[key]));
  const median = (key: 'paint' | 'table') => loads.map((one) => one[key]).sort((a, b) => a - b)[2] ?? NaN;
  say('first contentful paint, median (worst) of 5', `${median('paint')} ms (${worst('paint')} ms)`);
  say('usable table, median (worst) of 5', `${median('table')} ms (${worst('table')} ms)`);
  say('JavaScript of the first load, compressed', `${Math.round(worst('script') / 1000)} kB`);
  expect(loads.every(({ table }) => table > 0)).toBe(true);
});

async function load(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  const table = await page.evaluate(async () => {
    while (!document.querySelector('[role=table] [role=row] a')) await new Promise(requestAnimationFrame);
    return Math.round(performance.now());
  });
  const rest = await page.evaluate(() => ({
    paint: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN),
    script: performance
      .getEntriesByType('resource')
      .filter((entry): entry is PerformanceResourceTiming => entry.name.endsWith('.js'))
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
  }));
  await context.close();
  return { table, ...rest };
}

test('a million cells', async ({ browser }) => {
  const vehicles = 1_000_000;
  const server = await registered('serve --late-after 2s --offline-after 4s', vehicles);
  const beating = beats(server, vehicles);
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  await page.goto(`${server.url}/?view=grid`);
  await expect(page.getByRole('application')).toHaveAccessibleName(/1,000,000/);
  await new Promise((resolve) => setTimeout(resolve, 10_000)); // until changes come at their full rate

  const before = await transitions(server);
  const frames = await framesIn(page, 10_000);
  const changes = (await transitions(server)) - before;
  say('cells changed a second meanwhile', Math.round(changes / frames.seconds).toLocaleString('en'));
  say('frames a second of 1,000,000 cells', (frames.count / frames.seconds).toFixed(1));
  say('longest of those frames', `${Math.round(frames.longest)} ms`);

  await page.goto(server.url); // the grid beside the table
  await expect(page.getByRole('application')).toHaveAccessibleName(/1,000,000/);
  const session = await context.newCDPSession(page);
  const heaps = [];
  for (let minute = 0; minute <= minutes; minute++) {
    await new Promise((resolve) => setTimeout(resolve, minute === 0 ? 15_000 : 60_000));
    heaps.push(await heap(session));
  }
  say(`heap over ${minutes} minutes, MB`, heaps.map((bytes) => (bytes / 1e6).toFixed(1)).join(' '));
  beating.stop();
  await context.close();
  await server.stop();
});

/** Has vehicle after vehicle report once, so that so many cells change a second. */
function beats(server: Server, vehicles: number): { stop: () => void } {
  const size = Math.round(((perSecond / stages) * batch) / 1000);
  let next = 0;
  const timer = setInterval(() => {
    const some = Array.from({ length: size }, (_, i) => vin((next + i * 149) % vehicles)); // spread over the customers
    next = (next + size * 149) % vehicles;
    void server.beat(...some);
  }, batch);
  return { stop: () => clearInterval(timer) };
}

async function transitions(server: Server): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^fleetbeat_fleet_transitions_total (\S+)/m.exec(text)?.[1]);
}

async function framesIn(
  page: Page,
  length: number,
): Promise<{ count: number; seconds: number; longest: number }> {
  return page.evaluate(async (length) => {
    const begin = await new Promise<number>(requestAnimationFrame);
    let count = 0;
    let last = begin;
    let longest = 0;
    while (last - begin < length) {
      const now = await new Promise<number>(requestAnimationFrame);
      longest = Math.max(longest, now - last);
      last = now;
      count++;
    }
    return { count, seconds: (last - begin) / 1000, longest };
  }, length);
}

/** What JavaScript keeps, its buffers included, after a collection of garbage. */
async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize } = (await session.send('Runtime.getHeapUsage')) as {
    usedSize: number;
    backingStorageSize: number;
  };
  return usedSize + backingStorageSize;
}
