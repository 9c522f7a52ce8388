import { DestroyRef, Injectable, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { HeartbeatPage } from '../api/shapes';

const perPage = 100;

/** The heartbeats of one vehicle, newest first, read when told to. It lives with the component that provides it. */
@Injectable()
export class Heartbeats {
  private readonly api = inject(Api);
  private reading: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private vin = '';
  private readonly latest = signal<HeartbeatPage | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);

  /** As many as were asked for; undefined until they were read. */
  readonly page = this.latest.asReadonly();
  /** Why they could not be read. */
  readonly problem = this.trouble.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => this.stop());
  }

  /** Reads the newest ones of a vehicle. */
  async read(vin: string): Promise<void> {
    if (vin !== this.vin) this.latest.set(undefined);
    this.vin = vin;
    await this.fetch(undefined);
  }

  /** Reads those before the oldest that are there. */
  async older(): Promise<void> {
    const page = this.latest();
    if (page?.next_cursor) await this.fetch(page);
  }

  // When the server says that it is busy, it is asked again at the time it named.
  private async fetch(newer: HeartbeatPage | undefined): Promise<void> {
    this.stop();
    const { signal } = (this.reading = new AbortController());
    const cursor = newer?.next_cursor;
    try {
      const page = await this.api.get('/v1/vehicles/{vin}/heartbeats', {
        path: { vin: this.vin },
        query: { limit: perPage, ...(cursor && { cursor }) },
        signal,
      });
      this.latest.set({ ...page, items: [...(newer?.items ?? []), ...page.items] });
      this.trouble.set(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.trouble.set(error);
      if (error instanceof Problem && error.status === 503)
        this.retry = setTimeout(() => void this.fetch(newer), Math.max(1, error.retryAfter) * 1000);
    }
  }

  private stop(): void {
    clearTimeout(this.retry);
    this.reading?.abort();
  }
}
