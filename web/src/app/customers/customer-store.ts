import { DestroyRef, Injectable, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Customer, Policy, Transition } from '../api/shapes';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';

const newest = 20; // transitions

/** One customer, its counts and its newest transitions, kept true while the page is open. */
@Injectable()
export class CustomerStore {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly pace = new Pace(() => this.fetch(), 1000);
  private readonly shown = signal<Customer | undefined>(undefined);
  private readonly happened = signal<Transition[] | undefined>(undefined);
  private readonly standard = signal<Policy | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);
  private readonly gone = signal(false);
  private asking = new AbortController();
  private id = '';

  /** Undefined until it is known. */
  readonly customer = this.shown.asReadonly();
  /** Its vehicles' newest transitions, newest first. */
  readonly transitions = this.happened.asReadonly();
  /** The policy of customers without one of their own. */
  readonly defaults = this.standard.asReadonly();
  readonly problem = this.trouble.asReadonly();
  /** Whether no customer has this id. */
  readonly missing = this.gone.asReadonly();

  constructor() {
    effect(() => {
      this.feed.resyncs();
      untracked(() => this.id && this.pace.soon());
    });
    effect(() => {
      this.feed.summary();
      untracked(() => this.id && !this.gone() && this.pace.soon()); // one that is added later comes with a resync
    });
    inject(DestroyRef).onDestroy(() => {
      this.pace.stop();
      this.asking.abort();
    });
  }

  open(id: string): void {
    if (id !== this.id) {
      this.shown.set(undefined);
      this.happened.set(undefined);
      this.gone.set(false);
    }
    this.id = id;
    this.pace.now();
  }

  /** Removes the customer, and its vehicles with it. */
  async remove(withVehicles: boolean): Promise<void> {
    const path = { id: this.id };
    await this.api.delete(
      '/v1/customers/{id}',
      withVehicles ? { path, query: { vehicles: true } } : { path },
    );
  }

  private async fetch(): Promise<void> {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    const id = this.id;
    try {
      const [customer, page, policy] = await Promise.all([
        this.api.get('/v1/customers/{id}', { path: { id }, signal }),
        this.api.get('/v1/transitions', { query: { customer: [id], limit: newest }, signal }),
        this.standard() ?? this.api.get('/v1/policy', { signal }),
      ]);
      this.shown.set(customer);
      this.happened.set(page.items);
      this.standard.set(policy);
      this.gone.set(false);
      this.trouble.set(undefined);
    } catch (error) {
      if (signal.aborted) return;
      const missing = error instanceof Problem && error.status === 404;
      this.gone.set(missing);
      this.trouble.set(missing ? undefined : error);
      if (missing) this.shown.set(undefined);
    }
  }
}
