import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, Router, convertToParamMap } from '@angular/router';

import { Api } from '../api/api';
import { Gap, LiveTransitions, Transition, TransitionPage } from '../api/shapes';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';
import { joinTransitions, newestFirst } from '../live/transitions';
import { entriesOf } from './entries';
import { ActivityQuery, isFiltered, parameters, readQuery, writeQuery } from './query';

/** Transitions that are kept while new ones come, and as many may wait. */
export const mostRows = 2_000;
const mostLoaded = 10_000; // with older ones that were asked for
const perPage = 500;
const largestPage = 1_000;

/** Transitions as they happen, newest first. It lives with the page. */
@Injectable()
export class ActivityStore {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly route = inject(ActivatedRoute);
  private readonly router = inject(Router);

  private readonly params = toSignal(this.route.queryParamMap, { initialValue: convertToParamMap({}) });
  private readonly shown = signal<Transition[]>([]);
  private readonly queue = signal<Transition[]>([]);
  private readonly queued = signal(0);
  private readonly gaps = signal<Gap[]>([]);
  // The cursor for what is older than what is shown; undefined when it has to be sought again, null when there is none.
  private readonly cursor = signal<string | null | undefined>(undefined);
  private readonly read = signal(false);
  private readonly pausing = signal(false);
  private readonly holding = signal(false);
  private readonly trouble = signal<unknown>(undefined);
  private readonly fetchingOlder = signal(false);
  private readonly listeners = new Set<(fresh: readonly Transition[]) => void>();
  private newestGaps: Gap[] = [];
  private behind = false; // since the stream broke
  private since = 0; // the log position up to which everything is here
  private asking: AbortController | undefined;
  private readonly pace = new Pace(() => this.catchUp(), 1000);

  readonly query = computed(() => readQuery(this.params()), {
    equal: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  readonly filtered = computed(() => isFiltered(this.query()));
  /** Whether the first page is there. */
  readonly loaded = this.read.asReadonly();
  readonly paused = this.pausing.asReadonly();
  /** How many new ones wait while the list stands still. */
  readonly waiting = this.queued.asReadonly();
  readonly problem = this.trouble.asReadonly();
  readonly loadingOlder = this.fetchingOlder.asReadonly();
  readonly entries = computed(() => {
    const more = this.cursor() !== null;
    const offerOlder = more && this.read() && this.shown().length < mostLoaded;
    return entriesOf(this.shown(), this.gaps(), more, offerOlder);
  });

  constructor() {
    effect(() => {
      this.query();
      untracked(() => void this.begin());
    });
    effect(() => {
      if (this.feed.observer()?.last_gap?.position) untracked(() => void this.readGaps());
    });
    const ends = [
      this.feed.onTransitions((news) => this.take(news)),
      this.feed.onResync(() => {
        this.behind = true;
        this.pace.soon();
      }),
    ];
    inject(DestroyRef).onDestroy(() => {
      ends.forEach((end) => end());
      this.pace.stop();
      this.asking?.abort();
    });
  }

  /** Changes a part of the query. */
  change(part: Partial<ActivityQuery>): void {
    const queryParams = writeQuery({ ...this.query(), ...part });
    void this.router.navigate([], { relativeTo: this.route, queryParams, queryParamsHandling: 'merge' });
  }

  /** Lets new ones wait until told to go on. */
  pause(paused: boolean): void {
    this.pausing.set(paused);
    this.letIn();
  }

  /** Lets new ones wait while somebody looks at a place of the list. */
  hold(held: boolean): void {
    this.holding.set(held);
    this.letIn();
  }

  /** Shows what waits, once. */
  showWaiting(): void {
    const fresh = this.queue();
    this.queue.set([]);
    this.queued.set(0);
    this.gaps.set(this.newestGaps);
    if (fresh.length > 0) this.put(fresh);
  }

  /** Calls back with transitions as they come, whether they are shown or wait. It returns what ends that. */
  onArrival(listener: (fresh: readonly Transition[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Reads everything anew. */
  async begin(): Promise<void> {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    this.read.set(false);
    this.shown.set([]);
    this.queue.set([]);
    this.queued.set(0);
    try {
      const page = await this.feed.during(this.ask({ limit: perPage }, signal));
      this.shown.set(page.items);
      this.cursor.set(page.next_cursor);
      this.since = page.position;
      this.read.set(true);
      this.trouble.set(undefined);
      this.pace.soon(); // for what came meanwhile
      await this.readGaps();
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  /** Adds a page of older ones. */
  async loadOlder(): Promise<void> {
    const signal = this.asking?.signal;
    if (this.fetchingOlder() || !signal || signal.aborted) return;
    this.fetchingOlder.set(true);
    try {
      const newest = this.shown()[0];
      const oldest = this.shown().at(-1);
      let cursor = this.cursor();
      do {
        const page = await this.ask({ limit: largestPage, ...(cursor && { cursor }) }, signal);
        const known = newest ? page.items.filter((one) => newestFirst(one, newest) >= 0) : page.items;
        this.shown.update((shown) => joinTransitions(shown, known));
        cursor = page.next_cursor;
        const last = page.items.at(-1);
        if (!last || !oldest || newestFirst(last, oldest) > 0) break;
      } while (cursor !== null);
      this.cursor.set(cursor);
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    } finally {
      this.fetchingOlder.set(false);
    }
  }

  private take(news: LiveTransitions): void {
    const { to, customers, vehicle } = this.query();
    // The stream does not say whose vehicles they are: the server is asked, once a second at most.
    if (!this.read() || customers.length > 0) return this.pace.soon();
    this.since = Math.max(this.since, news.position);
    this.arrive(
      news.items.filter(
        (one) => (to.length === 0 || to.includes(one.to)) && (!vehicle || one.vin === vehicle),
      ),
    );
  }

  // Asks for what came since. When that is more than a page, or the log is another one, the list begins anew.
  private async catchUp(): Promise<void> {
    const signal = this.asking?.signal;
    if (!signal || signal.aborted || !this.read()) return;
    try {
      const asked = this.ask({ since: this.since, limit: largestPage }, signal);
      const page = await (this.behind ? this.feed.during(asked) : asked);
      this.behind = false;
      if (page.next_cursor !== null || page.position < this.since) return await this.begin();
      this.since = page.position;
      this.trouble.set(undefined);
      this.arrive(page.items);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  private arrive(fresh: readonly Transition[]): void {
    if (fresh.length === 0) return;
    this.listeners.forEach((listener) => listener(fresh));
    if (!this.pausing() && !this.holding()) return this.put(fresh);
    const before = this.queue();
    const after = joinTransitions(fresh, before);
    this.queued.update((n) => n + after.length - before.length);
    this.queue.set(after.slice(0, mostRows));
  }

  private put(fresh: readonly Transition[]): void {
    const all = joinTransitions(fresh, this.shown());
    if (all.length > mostRows) this.cursor.set(undefined); // the cursor is for what is older than what was cut off
    this.shown.set(all.slice(0, mostRows));
  }

  private letIn(): void {
    if (!this.pausing() && !this.holding()) this.showWaiting();
  }

  private async readGaps(): Promise<void> {
    try {
      this.newestGaps = (await this.api.get('/v1/gaps')).items;
    } catch {
      return; // they come with the next reading
    }
    if (!this.pausing() && !this.holding()) this.gaps.set(this.newestGaps);
  }

  private ask(
    page: { limit: number; since?: number; cursor?: string },
    signal: AbortSignal,
  ): Promise<TransitionPage> {
    return this.api.get('/v1/transitions', { query: { ...parameters(this.query()), ...page }, signal });
  }
}
