import { DestroyRef, Injectable, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Period, PeriodPage } from '../api/shapes';
import { Clock } from '../live/clock';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';

const perPage = 1000;
const mostPages = 5; // a vehicle that changes once a minute all day long for three days; the file has all
const every = 30_000; // milliseconds between two readings without news: an unobserved time ends without any of this vehicle

/** The periods of a vehicle's past since a moment, kept true. It lives with the component that provides it. */
@Injectable()
export class Periods {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly feed = inject(Feed);
  private readonly pace = new Pace(() => this.read(), 1000);
  private reading = new AbortController();
  private vin = '';
  private length = 0; // milliseconds back from now
  private news = 0; // when the last of it happened, in milliseconds since 1970
  private readonly found = signal<readonly Period[] | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);

  /** Newest first, without holes; undefined until they are known. */
  readonly periods = this.found.asReadonly();
  readonly problem = this.trouble.asReadonly();

  constructor() {
    effect(() => {
      this.feed.resyncs();
      untracked(() => this.vin && this.pace.now());
    });
    const timer = setInterval(() => this.pace.soon(), every);
    const end = this.feed.onTransitions(({ items }) => {
      const last = items.filter(({ vin }) => vin === this.vin).at(-1);
      if (!last) return;
      this.news = Date.parse(last.at ?? '');
      this.pace.soon();
    });
    inject(DestroyRef).onDestroy(() => {
      clearInterval(timer);
      end();
      this.pace.stop();
      this.reading.abort();
    });
  }

  /** Reads the past of a vehicle, so many milliseconds of it. */
  open(vin: string, length: number): void {
    if (vin !== this.vin) {
      this.found.set(undefined);
      this.news = 0;
    }
    this.vin = vin;
    this.length = length;
    this.pace.now();
  }

  private async read(): Promise<void> {
    if (!this.vin) return;
    this.reading.abort();
    const { signal } = (this.reading = new AbortController());
    const from = new Date(this.clock.precise() - this.length).toISOString();
    const periods: Period[] = [];
    let cursor: string | null = '';
    let told = '';
    try {
      for (let page = 0; page < mostPages && cursor !== null; page++) {
        const answer: PeriodPage = await this.api.get('/v1/vehicles/{vin}/connections', {
          path: { vin: this.vin },
          query: { from, limit: perPage, ...(cursor && { cursor }) },
          signal,
        });
        periods.push(...answer.items);
        told ||= answer.to ?? '';
        cursor = answer.next_cursor;
      }
      this.found.set(periods);
      this.trouble.set(undefined);
      // The past is told up to where the server was surely listening, and a heartbeat is news a moment before that.
      if (Date.parse(told) <= this.news) this.pace.soon();
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }
}
