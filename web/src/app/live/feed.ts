import { DestroyRef, Injectable, InjectionToken, computed, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { GridUpdate, Hello, LiveTransitions, Observer, Resync, Summary } from '../api/shapes';
import { Clock } from './clock';

/** How the page stands with the server. */
export type ConnectionState =
  /** The first stream is being opened. */
  | 'connecting'
  /** What is shown is true as of a second ago. */
  | 'live'
  /** The stream is there, and what is shown is being fetched anew. */
  | 'resynchronising'
  /** The stream broke and is being opened again; what is shown is of the time of the break. */
  | 'reconnecting'
  /** Nothing has come for a while, though the stream seems open. */
  | 'stale';

/** Opens the stream; a test hands in its own. */
export const EVENT_SOURCE = new InjectionToken<(url: string) => EventSource>('opens a stream of events', {
  factory: () => (url) => new EventSource(url),
});

/** Milliseconds without any event after which what is shown is called stale: the server tells something every second. */
export const staleAfter = 5_000;
/** Milliseconds without any event after which the stream is opened again. */
export const reopenAfter = 10_000;
const firstRetry = 1_000;
const lastRetry = 30_000;

/**
 * The one live stream of this page. It goes on by itself after any break: from where it was when the server still has
 * that, else it says resync, and whoever shows something fetches it anew.
 */
@Injectable({ providedIn: 'root' })
export class Feed {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly open = inject(EVENT_SOURCE);

  private stream: EventSource | undefined;
  private lastId = '';
  private lastProof = 0; // milliseconds since 1970, by the server's clock
  private retry = firstRetry;
  private timer: ReturnType<typeof setTimeout> | undefined;

  private readonly connected = signal<'connecting' | 'open' | 'reconnecting' | 'stale'>('connecting');
  private readonly heardAt = signal(Date.now()); // by the browser's clock: silence is measured here
  private openedAt = Date.now(); // a stream that was just opened is given time to say something
  private readonly fetching = signal(0);
  private readonly latest = signal<Summary | undefined>(undefined);
  private readonly beginnings = signal(0);
  private readonly resyncListeners = new Set<(resync: Resync) => void>();
  private readonly transitionListeners = new Set<(news: LiveTransitions) => void>();
  private readonly gridListeners = new Set<(update: GridUpdate) => void>();

  readonly state = computed<ConnectionState>(() => {
    const connected = this.connected();
    if (connected !== 'open') return connected;
    return this.fetching() > 0 ? 'resynchronising' : 'live';
  });
  /** When the server was last heard, by the browser's clock. */
  readonly lastHeard = this.heardAt.asReadonly();
  /** The fleet in one glance; undefined until the first event. */
  readonly summary = this.latest.asReadonly();
  readonly observer = computed<Observer | undefined>(() => this.latest()?.observer);
  /** How often everything had to be fetched anew; a resource that depends on it is. */
  readonly resyncs = this.beginnings.asReadonly();

  constructor() {
    const destroy = inject(DestroyRef);
    const watch = setInterval(() => this.watch(), 1000);
    const visible = () => document.visibilityState === 'visible' && this.watch();
    const online = () => this.reopen();
    document.addEventListener('visibilitychange', visible);
    window.addEventListener('online', online);
    destroy.onDestroy(() => {
      clearInterval(watch);
      clearTimeout(this.timer);
      document.removeEventListener('visibilitychange', visible);
      window.removeEventListener('online', online);
      this.stream?.close();
    });
    this.connect();
  }

  /** Calls back on every transition, in the log's order. It returns what ends that. */
  onTransitions(listener: (news: LiveTransitions) => void): () => void {
    return listen(this.transitionListeners, listener);
  }

  /** Calls back on changed cells of the grid. */
  onGrid(listener: (update: GridUpdate) => void): () => void {
    return listen(this.gridListeners, listener);
  }

  /** Calls back when what is shown must be fetched anew. */
  onResync(listener: (resync: Resync) => void): () => void {
    return listen(this.resyncListeners, listener);
  }

  /** Counts a fetch that the page needs in order to be true again: until it ends, the state is resynchronising. */
  async during<T>(fetch: Promise<T>): Promise<T> {
    this.fetching.update((n) => n + 1);
    try {
      return await fetch;
    } finally {
      this.fetching.update((n) => n - 1);
    }
  }

  /** Tries again at once. */
  reopen(): void {
    this.retry = firstRetry;
    this.connect();
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.stream?.close();
    const url = this.api.url('/v1/live', { grid: true, last_event_id: this.lastId });
    const stream = (this.stream = this.open(url));
    this.openedAt = Date.now();
    stream.onerror = () => this.broken(stream);
    this.hear<Hello>(stream, 'hello', (hello) => this.greeted(hello));
    this.hear<Summary>(stream, 'summary', (summary) => this.latest.set(summary));
    this.hear<Observer>(stream, 'observer', (observer) =>
      this.latest.update((summary) => summary && { ...summary, observer }),
    );
    this.hear<LiveTransitions>(stream, 'transitions', (news) => call(this.transitionListeners, news));
    this.hear<GridUpdate>(stream, 'grid', (update) => call(this.gridListeners, update));
    this.hear<Resync>(stream, 'resync', (resync) => this.resynchronise(resync));
  }

  private hear<T>(stream: EventSource, name: string, take: (data: T) => void): void {
    stream.addEventListener(name, (message: MessageEvent<string>) => {
      if (stream !== this.stream) return;
      this.heardAt.set(Date.now());
      this.lastId = message.lastEventId || this.lastId;
      take(JSON.parse(message.data) as T);
      if (name === 'summary' || name === 'observer') this.hearProof(this.latest()?.observer);
    });
  }

  // A proof is the server's time. One that comes again is not: the server is blind, and time goes on.
  private hearProof(observer: Observer | undefined): void {
    const proof = Date.parse(observer?.proven_until ?? '');
    if (!observer?.listening || !(proof > this.lastProof)) return;
    this.lastProof = proof;
    this.clock.hear(proof);
  }

  private greeted(hello: Hello): void {
    this.retry = firstRetry;
    this.connected.set('open');
    if (!hello.resumed)
      this.resynchronise({ position: hello.position, epoch: hello.epoch, reason: 'missed' });
  }

  private resynchronise(resync: Resync): void {
    this.beginnings.update((n) => n + 1);
    call(this.resyncListeners, resync);
  }

  // A browser opens a broken stream again by itself, but gives up on one that was refused, and is in no hurry.
  private broken(stream: EventSource): void {
    if (stream !== this.stream) return;
    if (this.connected() !== 'connecting') this.connected.set('reconnecting');
    stream.close();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.retry * (0.5 + Math.random() / 2));
    this.retry = Math.min(lastRetry, this.retry * 2);
  }

  // Looks whether the server is still heard. A browser does not notice a connection that died without a word.
  private watch(): void {
    const now = Date.now();
    const silence = now - this.heardAt();
    if (this.connected() === 'open' && silence > staleAfter) this.connected.set('stale');
    if (this.connected() === 'stale' && silence <= staleAfter) this.connected.set('open');
    if (
      now - Math.max(this.heardAt(), this.openedAt) > reopenAfter &&
      this.stream?.readyState !== EventSource.CLOSED
    ) {
      if (this.connected() !== 'connecting') this.connected.set('reconnecting');
      this.connect();
    }
  }
}

function listen<T>(listeners: Set<(event: T) => void>, listener: (event: T) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function call<T>(listeners: Set<(event: T) => void>, event: T): void {
  for (const listener of listeners) listener(event);
}
