import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, Router, convertToParamMap } from '@angular/router';

import { Api } from '../api/api';
import { Counts, VehiclePage } from '../api/shapes';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';
import { FleetQuery, filterParameters, isFiltered, readQuery, writeQuery, sameQuery } from './query';

/** The query in the address, and what it finds in numbers: kept true while the page is open. */
@Injectable()
export class FleetStore {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly route = inject(ActivatedRoute);
  private readonly router = inject(Router);

  private readonly params = toSignal(this.route.queryParamMap, { initialValue: convertToParamMap({}) });
  private readonly found = signal<VehiclePage | undefined>(undefined);
  private readonly foundAt = signal('');
  private readonly trouble = signal<unknown>(undefined);
  private readonly names = signal<ReadonlyMap<string, string>>(new Map());
  private asking: AbortController | undefined;
  private readonly pace = new Pace(() => this.count(), 1000);

  readonly query = computed(() => readQuery(this.params()), { equal: sameQuery });
  readonly filtered = computed(() => isFiltered(this.query()));
  /** The moment as of which the fleet is shown, in milliseconds since 1970; undefined for now. */
  readonly past = computed(() => (this.query().at ? Date.parse(this.query().at) : undefined));
  /** Whether what is shown is of the moment that was asked for, not still of the one before. */
  readonly settled = computed(() => this.foundAt() === this.query().at || this.trouble() !== undefined);
  readonly wall = computed(() => this.params().has('wall'));
  /** Counts and facets of what the query finds; undefined until they are known. */
  readonly facets = computed(() => this.found()?.facets);
  /** How many vehicles the query finds; undefined until it is known. */
  readonly total = computed(() => this.found()?.total);
  readonly problem = this.trouble.asReadonly();
  /** Vehicles by presence, whatever presences the query asks for. Without another filter they come with the live stream. */
  readonly counts = computed<Counts | undefined>(() => {
    const { text, customers, tags, at } = this.query();
    if (at || text || customers.length > 0 || tags.length > 0) return this.found()?.facets.presence;
    return this.feed.summary()?.presence ?? this.found()?.facets.presence;
  });

  constructor() {
    effect(() => {
      this.query();
      this.feed.resyncs();
      untracked(() => this.pace.now());
    });
    effect(() => {
      if (this.feed.summary() && this.past() === undefined) untracked(() => this.pace.soon()); // the counts change with it
    });
    inject(DestroyRef).onDestroy(() => {
      this.pace.stop();
      this.asking?.abort();
    });
  }

  /** Changes a part of the query. What was typed a moment ago is not a step to go back to. */
  change(part: Partial<FleetQuery>, typing = false): void {
    const queryParams = writeQuery({ ...this.query(), ...part });
    void this.router.navigate([], {
      relativeTo: this.route,
      queryParams,
      queryParamsHandling: 'merge',
      replaceUrl: typing,
    });
  }

  /** Takes all filters away. */
  clear(): void {
    this.change({ text: '', customers: [], presences: [], tags: [] });
  }

  /** Where all vehicles are to be had as CSV. */
  exportUrl(): string {
    return this.api.url('/v1/export');
  }

  customerName(id: string): string {
    return this.names().get(id) ?? id;
  }

  /** Remembers what a customer is called. */
  named(id: string, name: string): void {
    if (this.names().get(id) !== name) this.names.update((names) => new Map(names).set(id, name));
  }

  private async count(): Promise<void> {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    const query = this.query();
    try {
      const page = await this.api.get('/v1/vehicles', {
        query: { ...filterParameters(query), limit: 1 },
        signal,
      });
      this.found.set(page);
      this.foundAt.set(query.at);
      this.trouble.set(undefined);
      await this.nameCustomers(page, signal);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  private async nameCustomers(page: VehiclePage, signal: AbortSignal): Promise<void> {
    const chosen = this.query().customers.filter((id) => !this.names().has(id));
    for (const id of chosen) {
      const facet = page.facets.customers.find((customer) => customer.id === id);
      const name = facet?.name ?? (await this.api.get('/v1/customers/{id}', { path: { id }, signal })).name;
      this.named(id, name);
    }
  }
}
