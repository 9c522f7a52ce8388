import { DestroyRef, Injectable, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../../api/api';
import { Vehicle } from '../../api/shapes';
import { Feed } from '../../live/feed';
import { Pace } from '../../live/pace';
import { FleetStore } from '../fleet-store';
import { filterParameters } from '../query';

const shown = 40; // more than a wall has room for

/** The vehicles that are offline now, those that went newest first. It lives with the component that provides it. */
@Injectable()
export class Outages {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly store = inject(FleetStore);
  private readonly found = signal<readonly Vehicle[] | undefined>(undefined);
  private readonly pace = new Pace(() => this.ask(), 1000);
  private asking: AbortController | undefined;

  /** Undefined until they are known. */
  readonly vehicles = this.found.asReadonly();

  constructor() {
    effect(() => {
      this.store.query();
      this.feed.resyncs();
      untracked(() => this.pace.now());
    });
    effect(() => {
      if (this.feed.summary()) untracked(() => this.pace.soon());
    });
    inject(DestroyRef).onDestroy(() => {
      this.pace.stop();
      this.asking?.abort();
    });
  }

  private async ask(): Promise<void> {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    try {
      const filters = filterParameters(this.store.query());
      const query = { ...filters, presence: ['offline' as const], sort: '-since' as const, limit: shown };
      this.found.set((await this.api.get('/v1/vehicles', { query, signal })).items);
    } catch {
      if (!signal.aborted) this.pace.soon(); // the connection state says that the server is away
    }
  }
}
