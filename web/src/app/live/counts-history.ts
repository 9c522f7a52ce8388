import { Injectable, computed, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Counts, Series } from '../api/shapes';
import { Clock } from './clock';
import { Feed } from './feed';

/** The counts at a moment, in milliseconds since 1970. */
export interface Sample {
  at: number;
  counts: Counts;
}

const every = 10_000; // milliseconds between two samples
const hours = 6; // for which they are kept
const kept = (hours * 3_600_000) / every;

/** The counts of the last hours: from the server's history, and then as this page sees them. */
@Injectable({ providedIn: 'root' })
export class CountsHistory {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly clock = inject(Clock);
  private readonly told = signal<readonly Sample[]>([]);
  private readonly seen = signal<readonly Sample[]>([]);

  /** Oldest first. */
  readonly samples = computed(() => {
    const first = this.seen()[0]?.at ?? Infinity;
    return [...this.told().filter(({ at }) => at < first), ...this.seen()].slice(-kept);
  });

  constructor() {
    effect(() => {
      const now = this.clock.now();
      untracked(() => this.sample(now));
    });
  }

  private sample(now: number): void {
    const counts = this.feed.summary()?.presence;
    const last = this.seen().at(-1);
    if (!counts || this.feed.state() !== 'live' || (last && now - last.at < every)) return;
    if (!last) void this.ask(now);
    this.seen.update((samples) => [...samples.slice(-kept + 1), { at: now, counts }]);
  }

  // What the page did not see is no more than what it can do without.
  private async ask(now: number): Promise<void> {
    const from = new Date(now - hours * 3_600_000).toISOString();
    try {
      this.told.set(samplesOf(await this.api.get('/v1/summary/series', { query: { from, step: '5m' } })));
    } catch {
      this.told.set([]);
    }
  }
}

/** The samples of a series, oldest first, from when there was a fleet. */
export function samplesOf({ items }: Series): Sample[] {
  const first = items.findIndex(({ vehicles }) => vehicles > 0);
  if (first < 0) return [];
  return items.slice(first).map(({ at, presence }) => ({ at: Date.parse(at), counts: presence }));
}
