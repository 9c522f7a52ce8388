import { DestroyRef, Injectable, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { Problem } from '../api/problem';

/** A heartbeat as the log holds it. */
export interface StoredHeartbeat {
  /** position-index */
  id: string;
  position: number;
  /** By the server's clock. */
  received_at: string;
  /** By the vehicle's own; null when it sent none. */
  sent_at: string | null;
  sequence: number | null;
  /** Its sequence came before. */
  repeat: boolean;
  /** Recorded earlier and delivered late. */
  buffered: boolean;
}

/** Heartbeats of one vehicle, newest first. */
export interface HeartbeatPage {
  items: StoredHeartbeat[];
  /** The moment from which on none is left out; null when that is not known. */
  complete_from: string | null;
  position: number;
}

// Older servers do not have this call, and the description of the API that shapes are generated from may be theirs.
type Read = (
  path: string,
  request: { path: Record<string, string>; query: { limit: number }; signal: AbortSignal },
) => Promise<HeartbeatPage>;

/** How many are read at once. */
export const mostHeartbeats = 100;

/** The newest heartbeats of a vehicle, read when told to. It lives with the component that provides it. */
@Injectable()
export class Heartbeats {
  private readonly api = inject(Api);
  private reading: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private vin = '';
  private readonly latest = signal<HeartbeatPage | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);
  private readonly untold = signal(false);

  /** Undefined until they were read. */
  readonly page = this.latest.asReadonly();
  /** Why they could not be read. */
  readonly problem = this.trouble.asReadonly();
  /** Whether this server does not tell single heartbeats. */
  readonly unavailable = this.untold.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => this.stop());
  }

  /** Reads the newest ones of a vehicle. When the server says that it is busy, it is asked again at the time it named. */
  async read(vin: string): Promise<void> {
    this.stop();
    if (vin !== this.vin) this.latest.set(undefined);
    this.vin = vin;
    const { signal } = (this.reading = new AbortController());
    try {
      this.latest.set(await this.fetch(vin, signal));
      this.trouble.set(undefined);
      this.untold.set(false);
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof Problem ? error.status : 0;
      this.untold.set(status === 404 || status === 405);
      this.trouble.set(this.untold() ? undefined : error);
      const wait = error instanceof Problem ? error.retryAfter : 0;
      if (status === 503) this.retry = setTimeout(() => void this.read(vin), Math.max(1, wait) * 1000);
    }
  }

  private fetch(vin: string, signal: AbortSignal): Promise<HeartbeatPage> {
    const request = { path: { vin }, query: { limit: mostHeartbeats }, signal };
    return (this.api.get.bind(this.api) as unknown as Read)('/v1/vehicles/{vin}/heartbeats', request);
  }

  private stop(): void {
    clearTimeout(this.retry);
    this.reading?.abort();
  }
}
