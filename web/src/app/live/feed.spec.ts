import { TestBed } from '@angular/core/testing';

import { Resync, Summary } from '../api/shapes';
import { Clock } from './clock';
import { EVENT_SOURCE, Feed, reopenAfter, staleAfter } from './feed';

/** A stream that the test speaks for. */
class FakeStream extends EventTarget {
  readyState: number = EventSource.OPEN;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
  }

  close(): void {
    this.readyState = EventSource.CLOSED;
  }

  say(name: string, data: unknown, lastEventId = ''): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }

  break(): void {
    this.onerror?.();
  }
}

const summary = (position: number): Summary => ({
  vehicles: 7,
  customers: 3,
  presence: { online: 7, late: 0, offline: 0, unknown: 0, paused: 0 },
  observer: { listening: true, listening_since: null, proven_until: new Date().toISOString() },
  revision: 1,
  position,
});

describe('Feed', () => {
  let streams: FakeStream[];
  let feed: Feed;
  let resyncs: Resync[];
  const stream = () => streams.at(-1)!;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('EventSource', { CONNECTING: 0, OPEN: 1, CLOSED: 2 });
    streams = [];
    const open = (url: string) => {
      streams.push(new FakeStream(url));
      return stream() as unknown as EventSource;
    };
    TestBed.configureTestingModule({ providers: [{ provide: EVENT_SOURCE, useValue: open }] });
    feed = TestBed.inject(Feed);
    resyncs = [];
    feed.onResync((resync) => resyncs.push(resync));
  });

  afterEach(() => {
    TestBed.resetTestingModule();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const greet = (resumed = false) => {
    stream().say('hello', { resumed, position: 5, epoch: 9 });
    stream().say('summary', summary(5), '5-9');
  };

  it('is connecting, and then live with the fleet in one glance', () => {
    expect(feed.state()).toBe('connecting');
    greet();
    expect(feed.state()).toBe('live');
    expect(feed.summary()?.position).toBe(5);
  });

  it('is resynchronising until everything that is shown has been fetched', async () => {
    greet();
    let end: () => void = () => undefined;
    const fetch = feed.during(new Promise<void>((resolve) => (end = resolve)));
    expect(feed.state()).toBe('resynchronising');
    end();
    await fetch;
    expect(feed.state()).toBe('live');
  });

  it('goes on after a break from the last event that it had', () => {
    greet();
    stream().say('observer', summary(8).observer, '8-9');
    stream().break();
    expect(feed.state()).toBe('reconnecting');
    vi.advanceTimersByTime(1000);
    expect(streams.length).toBe(2);
    expect(stream().url).toContain('last_event_id=8-9');
    stream().say('hello', { resumed: true, position: 0, epoch: 0 });
    expect(feed.state()).toBe('live');
    expect(resyncs.length).toBe(1); // the one of the beginning
  });

  it('has everything fetched anew when the server cannot go on, or says so', () => {
    greet();
    stream().say('resync', { position: 7, epoch: 10, reason: 'directory' });
    stream().break();
    vi.advanceTimersByTime(1000);
    greet();
    expect(resyncs.map((resync) => resync.epoch)).toEqual([9, 10, 9]);
    expect(feed.resyncs()).toBe(3);
  });

  it('tries again ever more calmly, but every half minute at least', () => {
    greet();
    for (let hour = 0; hour < 60; hour++) {
      stream().break();
      vi.advanceTimersByTime(60_000);
    }
    const before = streams.length;
    stream().break();
    vi.advanceTimersByTime(30_000);
    // One that opens early in that time, and then hears nothing, is given up within it.
    expect(streams.length - before).toBeGreaterThanOrEqual(1);
    expect(streams.length - before).toBeLessThanOrEqual(2);
  });

  it('is stale when nothing comes, though the stream seems open, and opens another one', () => {
    greet();
    vi.advanceTimersByTime(staleAfter + 1000);
    expect(feed.state()).toBe('stale');
    vi.advanceTimersByTime(reopenAfter - staleAfter + 1000);
    expect(feed.state()).toBe('reconnecting');
    expect(streams.length).toBe(2);
    expect(streams[0]?.readyState).toBe(EventSource.CLOSED);
  });

  it('knows of when what is shown is, however often it tries again', () => {
    greet();
    const heard = feed.lastHeard();
    vi.advanceTimersByTime(reopenAfter + 1000);
    stream().break();
    vi.advanceTimersByTime(60_000);
    expect(streams.length).toBeGreaterThan(3);
    expect(feed.lastHeard()).toBe(heard);
  });

  it('lets time go on while the server is blind and tells the same proof again', () => {
    greet();
    const clock = TestBed.inject(Clock);
    const begun = clock.precise();
    const { observer } = summary(6);
    for (let second = 0; second < 20; second++) {
      vi.advanceTimersByTime(1000);
      stream().say('observer', observer);
    }
    expect(clock.precise() - begun).toBe(20_000);
  });

  it('does not listen to a stream that it gave up', () => {
    greet();
    const old = stream();
    feed.reopen();
    old.say('summary', summary(99));
    old.break();
    expect(feed.summary()?.position).toBe(5);
    vi.advanceTimersByTime(5000);
    expect(streams.length).toBe(2);
  });

  it('hands on transitions until it is told not to', () => {
    const heard: number[] = [];
    const end = feed.onTransitions((news) => heard.push(news.position));
    stream().say('transitions', { position: 6, items: [] });
    end();
    stream().say('transitions', { position: 7, items: [] });
    expect(heard).toEqual([6]);
  });
});
