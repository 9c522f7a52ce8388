import { Injectable, effect, inject, signal, untracked } from '@angular/core';

import { Counts } from '../api/shapes';
import { Clock } from './clock';
import { Feed } from './feed';

/** The counts at a moment, in milliseconds since 1970. */
export interface Sample {
  at: number;
  counts: Counts;
}

const every = 10_000; // milliseconds between two samples
const kept = 2160; // six hours of them

/** The counts that this page has seen since it was opened. */
@Injectable({ providedIn: 'root' })
export class CountsHistory {
  private readonly feed = inject(Feed);
  private readonly clock = inject(Clock);
  private readonly seen = signal<readonly Sample[]>([]);

  /** Oldest first. */
  readonly samples = this.seen.asReadonly();

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
    this.seen.update((samples) => [...samples.slice(-kept + 1), { at: now, counts }]);
  }
}
