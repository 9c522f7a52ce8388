import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Customer, LiveTransitions, Vehicle } from '../api/shapes';
import { Feed } from '../live/feed';

const every = 5_000; // milliseconds between two readings: a heartbeat that changes no presence is no news of the stream

/** Whose policy a vehicle follows. */
export type PolicyOwner = 'own' | 'customer' | 'default';

/** One vehicle, kept true. It lives with the component that provides it. */
@Injectable()
export class VehicleStore {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);

  private vin = '';
  private reading: AbortController | undefined;
  private readonly current = signal<Vehicle | undefined>(undefined);
  private readonly owner = signal<Customer | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);
  private readonly absent = signal(false);

  /** Undefined until it was read, and when there is none. */
  readonly vehicle = this.current.asReadonly();
  /** Why the vehicle could not be read; what is shown is then of an earlier moment. */
  readonly problem = this.trouble.asReadonly();
  /** Whether no such vehicle is registered. */
  readonly missing = this.absent.asReadonly();
  /** Undefined until it is known. */
  readonly policyOwner = computed<PolicyOwner | undefined>(() => {
    if (this.current()?.own_policy) return 'own';
    const owner = this.owner();
    if (!owner || owner.id !== this.current()?.customer_id) return undefined;
    return owner.own_policy ? 'customer' : 'default';
  });

  constructor() {
    const refresh = () => document.visibilityState === 'visible' && void this.refresh();
    const timer = setInterval(refresh, every);
    document.addEventListener('visibilitychange', refresh);
    const ends = [
      this.feed.onTransitions((news) => this.take(news)),
      this.feed.onResync(() => void this.open(this.vin)),
    ];
    inject(DestroyRef).onDestroy(() => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', refresh);
      ends.forEach((end) => end());
      this.reading?.abort();
    });
  }

  /** Reads all of a vehicle; of another one than before from nothing. */
  async open(vin: string): Promise<void> {
    if (vin === '') return;
    if (vin !== this.vin) {
      this.vin = vin;
      this.current.set(undefined);
      this.owner.set(undefined);
      this.absent.set(false);
      this.trouble.set(undefined);
    }
    await this.feed.during(this.read(true));
  }

  /** Reads the vehicle again, as it is after a log position at least. */
  async refresh(position = 0): Promise<void> {
    if (this.vin !== '' && !this.absent()) await this.read(false, position);
  }

  /** Stops watching the vehicle, or watches it again. */
  async pause(paused: boolean): Promise<void> {
    const path = { vin: this.vin };
    this.current.set(
      await (paused
        ? this.api.post('/v1/vehicles/{vin}/pause', { path })
        : this.api.post('/v1/vehicles/{vin}/resume', { path })),
    );
    await this.refresh();
  }

  /** Removes the vehicle from the registry. */
  async remove(): Promise<void> {
    await this.api.delete('/v1/vehicles/{vin}', { path: { vin: this.vin } });
  }

  private async read(whole: boolean, position = 0): Promise<void> {
    this.reading?.abort();
    const { signal } = (this.reading = new AbortController());
    const path = { vin: this.vin };
    try {
      const vehicle = await this.api.get('/v1/vehicles/{vin}', {
        path,
        query: { min_position: position },
        signal,
      });
      if (signal.aborted) return;
      this.current.set(vehicle);
      this.absent.set(false);
      this.trouble.set(undefined);
      if (whole || this.owner()?.id !== vehicle.customer_id)
        await this.readOwner(vehicle.customer_id, signal);
    } catch (error) {
      if (signal.aborted) return;
      const gone = error instanceof Problem && error.status === 404;
      this.absent.set(gone);
      this.trouble.set(gone ? undefined : error);
      if (gone) this.current.set(undefined);
    }
  }

  private async readOwner(id: string, signal: AbortSignal): Promise<void> {
    try {
      this.owner.set(await this.api.get('/v1/customers/{id}', { path: { id }, signal }));
    } catch {
      this.owner.set(undefined); // then it is not said whose policy it is
    }
  }

  private take(news: LiveTransitions): void {
    const last = news.items.filter(({ vin }) => vin === this.vin).at(-1);
    if (!last) return;
    this.current.update((vehicle) => vehicle && { ...vehicle, presence: last.to, since: last.at });
    void this.refresh(last.position);
  }
}
