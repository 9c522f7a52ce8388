import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { Component, inject } from '@angular/core';

import { Gap, Presence, Transition } from '../api/shapes';
import { EVENT_SOURCE } from '../live/feed';
import { ActivityStore, mostRows } from './activity-store';

@Component({ template: '', providers: [ActivityStore] })
class Page {
  readonly store = inject(ActivityStore);
}

class FakeStream extends EventTarget {
  readyState = 1;
  onerror: (() => void) | null = null;
  close(): void {
    this.readyState = 2;
  }
  say(name: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

const start = Date.parse('2026-11-25T10:00:00Z');

function change(position: number, to: Presence = 'online', vin = 'A'): Transition {
  return { vin, from: 'late', to, at: new Date(start + position * 1000).toISOString(), position };
}

/** Transitions from one position down to another. */
function changes(newest: number, oldest: number): Transition[] {
  return Array.from({ length: newest - oldest + 1 }, (_, i) => change(newest - i));
}

describe('the list of changes', () => {
  let stream: FakeStream;
  let asked: URLSearchParams[];
  let log: Transition[]; // newest first
  let gaps: Gap[];
  let head: number;

  // As the server answers: newest first, older ones by a cursor, which is the position of the last one here.
  function answer(url: string): Response {
    const { pathname, searchParams } = new URL(url, 'http://fleet');
    let body: unknown = { items: gaps };
    if (pathname === '/v1/transitions') {
      asked.push(searchParams);
      const number = (name: string) => Number(searchParams.get(name) ?? 0);
      const found = log.filter(
        ({ position }) => position > number('since') && position < (number('cursor') || Infinity),
      );
      const items = found.slice(0, number('limit'));
      const next = found.length > items.length ? String(items.at(-1)?.position) : null;
      body = { items, next_cursor: next, position: head };
    }
    return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
  }

  async function open(url = '/'): Promise<ActivityStore> {
    const harness = await RouterTestingHarness.create();
    const page = await harness.navigateByUrl(url, Page);
    await settle();
    return page.store;
  }

  async function settle(milliseconds = 1100): Promise<void> {
    TestBed.tick();
    await vi.advanceTimersByTimeAsync(milliseconds);
  }

  function happen(...items: Transition[]): void {
    head = items.at(-1)?.position ?? head;
    log = [...[...items].reverse(), ...log];
    stream.say('transitions', { position: head, items });
  }

  const positions = (store: ActivityStore) =>
    store.entries().map((entry) => {
      if (entry.kind === 'transition') return entry.transition.position;
      return entry.kind === 'gap' ? `gap ${entry.gap.position}` : entry.kind;
    });

  beforeEach(() => {
    vi.useFakeTimers({ now: start });
    vi.stubGlobal('EventSource', { CONNECTING: 0, OPEN: 1, CLOSED: 2 });
    vi.stubGlobal('fetch', (url: string) => Promise.resolve(answer(url)));
    stream = new FakeStream();
    asked = [];
    gaps = [];
    head = 10;
    log = [change(9), change(5)];
    TestBed.configureTestingModule({
      providers: [
        provideRouter([{ path: '', component: Page }]),
        { provide: EVENT_SOURCE, useValue: () => stream as unknown as EventSource },
      ],
    });
  });

  afterEach(() => {
    TestBed.resetTestingModule();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('shows what memory holds, and then what happens, newest first', async () => {
    const store = await open();
    happen(change(11), change(12));
    expect(positions(store)).toEqual([12, 11, 9, 5]);
  });

  it('shows each change once, though the stream tells again what was fetched', async () => {
    const store = await open();
    stream.say('transitions', { position: 10, items: [change(9)] });
    expect(positions(store)).toEqual([9, 5]);
  });

  it('lets new ones wait while it is paused, counts them, and then shows them', async () => {
    const store = await open();
    store.pause(true);
    happen(change(11), change(12));
    expect(positions(store)).toEqual([9, 5]);
    expect(store.waiting()).toBe(2);
    store.pause(false);
    expect(positions(store)).toEqual([12, 11, 9, 5]);
    expect(store.waiting()).toBe(0);
  });

  it('stands still while it is held, and stays paused when it no longer is', async () => {
    const store = await open();
    store.hold(true);
    happen(change(11));
    store.pause(true);
    store.hold(false);
    expect(store.waiting()).toBe(1);
    store.showWaiting();
    expect(positions(store)).toEqual([11, 9, 5]);
  });

  it('keeps a bounded number of rows, and finds older ones again without a hole', async () => {
    log = changes(10, 1);
    const store = await open();
    happen(...changes(mostRows + 5, 11).reverse());
    expect(store.entries().length).toBe(mostRows + 1);
    expect(positions(store).slice(-2)).toEqual([6, 'older']);
    await store.loadOlder();
    expect(positions(store)).toEqual(log.map(({ position }) => position));
  });

  it('bounds what waits, too', async () => {
    const store = await open();
    store.pause(true);
    happen(...changes(mostRows + 50, 11).reverse());
    expect(store.waiting()).toBe(mostRows + 40);
    store.pause(false);
    expect(positions(store).slice(-2)).toEqual([51, 'older']);
  });

  it('asks by cursor for older ones', async () => {
    log = changes(1200, 1);
    head = 1200;
    const store = await open();
    expect(positions(store).length).toBe(501);
    await store.loadOlder();
    expect(positions(store)).toEqual(log.map(({ position }) => position));
  });

  it('filters what the stream tells by vehicle and presence', async () => {
    const store = await open('/?to=offline&vehicle=B');
    expect(asked[0]?.get('vehicle')).toBe('B');
    expect(asked[0]?.getAll('to')).toEqual(['offline']);
    happen(change(11, 'offline', 'A'), change(12, 'online', 'B'), change(13, 'offline', 'B'));
    expect(positions(store)[0]).toBe(13);
    expect(positions(store)).not.toContain(11);
  });

  it('asks the server what is new when customers are chosen, once a second at most', async () => {
    const store = await open('/?customer=kalles&customer=nord');
    await settle();
    const before = asked.length;
    for (const position of [11, 12, 13]) happen(change(position));
    expect(positions(store)).toEqual([9, 5]);
    await settle(300);
    happen(change(14));
    await settle(1500);
    const since = asked.slice(before);
    expect(since.length).toBeLessThanOrEqual(2);
    expect(since[0]?.get('since')).toBe('10');
    expect(since[0]?.getAll('customer')).toEqual(['kalles', 'nord']);
    expect(positions(store)).toEqual([14, 13, 12, 11, 9, 5]);
  });

  it('shows unobserved times at their places', async () => {
    gaps = [
      { from: '2026-11-25T10:00:06Z', to: '2026-11-25T10:00:08Z', position: 8, reason: 'silent' },
      { from: '2026-11-25T10:00:01Z', to: '2026-11-25T10:00:02Z', position: 2, reason: 'stopped' },
    ];
    const store = await open();
    expect(positions(store)).toEqual([9, 'gap 8', 5, 'gap 2']);
  });

  it('begins anew when the query changes', async () => {
    const store = await open();
    await TestBed.inject(Router).navigateByUrl('/?to=late');
    await settle();
    expect(asked.at(-1)?.getAll('to')).toEqual(['late']);
    expect(store.query().to).toEqual(['late']);
  });

  it('catches up after a break without beginning anew', async () => {
    const store = await open();
    log = [change(12), ...log];
    head = 12;
    stream.say('resync', { position: 12, epoch: 1, reason: 'missed' });
    await settle();
    expect(positions(store)).toEqual([12, 9, 5]);
  });
});
