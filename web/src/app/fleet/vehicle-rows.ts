import { CollectionViewer, DataSource, ListRange } from '@angular/cdk/collections';
import { DestroyRef, Injectable, effect, inject, signal, untracked } from '@angular/core';
import { BehaviorSubject, Observable } from 'rxjs';

import { Api } from '../api/api';
import { LiveTransitions, Transition, Vehicle } from '../api/shapes';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';
import { FleetStore } from './fleet-store';
import { FleetQuery, atParameter, filterParameters, sameQuery } from './query';

/** A row of the table: a vehicle, or undefined while it is being fetched. */
export type Row = Vehicle | undefined;

/** Most rows that one can scroll through: a browser's scroll area ends at about 33 million pixels. */
export const mostRows = 500_000;

const block = 100; // rows fetched at once
const keptBlocks = 40;
const pace = 1_000; // milliseconds between two questions for what is on screen
const atLeast = 10_000; // milliseconds after which it is asked for even when nothing seems to have changed
const marked = 3_000; // milliseconds for which a changed row is marked
const expected = 20; // rows shown as being fetched before their number is known

/**
 * The rows of the table: fetched as one scrolls, and kept true while they are on screen. While they are held, because a
 * pointer or the keyboard is among them, they change in place and keep their order.
 */
@Injectable()
export class VehicleRows extends DataSource<Row> {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly store = inject(FleetStore);

  private readonly rows: Row[] = []; // of the whole table, and mostly holes
  private readonly blocks = new Set<number>(); // that are there
  private readonly outdated = new Set<number>(); // that are shown until they are fetched again
  private readonly shown = new BehaviorSubject<readonly Row[]>(this.rows);
  private range: ListRange = { start: 0, end: expected };
  private asking = new AbortController();
  private asked: FleetQuery | undefined;
  private readonly fresh = new Pace(() => this.refresh(), pace);
  private refreshed = 0; // when, by performance.now()
  private position = 0; // of the last news
  private held = false;

  private readonly counted = signal<number | undefined>(undefined);
  private readonly trouble = signal<unknown>(undefined);
  private readonly reordered = signal(false);
  private readonly marks = signal<ReadonlySet<string>>(new Set());

  /** How many vehicles the query finds; undefined until it is known. */
  readonly total = this.counted.asReadonly();
  readonly problem = this.trouble.asReadonly();
  /** Whether the order may have changed while the rows were held. */
  readonly stale = this.reordered.asReadonly();
  /** The VINs whose presence changed a moment ago. */
  readonly changed = this.marks.asReadonly();

  constructor() {
    super();
    effect(() => {
      const query = this.store.query();
      untracked(() => this.begin(query));
    });
    effect(() => {
      this.feed.resyncs();
      untracked(() => this.fresh.now());
    });
    effect(() => {
      const summary = this.feed.summary();
      if (summary && this.store.past() === undefined) untracked(() => this.heard(summary.position));
    });
    const end = this.feed.onTransitions((news) => this.patch(news));
    inject(DestroyRef).onDestroy(() => {
      end();
      this.fresh.stop();
      this.asking.abort();
    });
  }

  override connect(viewer: CollectionViewer): Observable<readonly Row[]> {
    viewer.viewChange.subscribe((range) => {
      this.range = range;
      if (this.missing().length > 0) this.fresh.now();
    });
    return this.shown;
  }

  override disconnect(): void {
    // The rows live as long as their provider.
  }

  /** Holds the order while somebody points at a row, and lets it go again. */
  hold(held: boolean): void {
    this.held = held;
    if (!held && this.reordered()) this.fresh.now();
  }

  /** Fetches the rows on screen again, in their order now. */
  reorder(): void {
    this.outdate();
    this.fresh.now();
  }

  // Rows of another moment stay until those of this one are there: whoever moves through time sees the fleet move.
  private begin(query: FleetQuery): void {
    const moved =
      this.asked && this.asked.at !== query.at && sameQuery({ ...this.asked, at: query.at }, query);
    this.asked = query;
    this.outdate();
    this.reordered.set(false);
    if (!moved) {
      this.counted.set(undefined);
      this.rows.length = 0;
      this.show();
    }
    this.fresh.now();
  }

  private outdate(): void {
    for (const n of this.blocks) this.outdated.add(n);
    this.blocks.clear();
  }

  private heard(position: number): void {
    if (position !== this.position || performance.now() - this.refreshed > atLeast) this.fresh.soon();
    this.position = position;
  }

  private async refresh(): Promise<void> {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    this.refreshed = performance.now();
    try {
      if (this.held && this.missing().length === 0) await this.refreshInPlace(signal);
      else await this.feed.during(this.refreshInOrder(signal));
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  private async refreshInOrder(signal: AbortSignal): Promise<void> {
    const query = this.store.query();
    await Promise.all(this.onScreen().map((n) => this.fetch(n, query, signal)));
    this.reordered.set(false);
    this.forget();
    this.show();
  }

  private async fetch(n: number, query: FleetQuery, signal: AbortSignal): Promise<void> {
    const place = { sort: query.sort, offset: n * block, limit: block, facets: false };
    const page = await this.api.get('/v1/vehicles', {
      query: { ...filterParameters(query), ...place },
      signal,
    });
    if (signal.aborted) return;
    this.counted.set(page.total);
    this.blocks.add(n);
    for (let i = 0; i < block; i++) this.rows[n * block + i] = page.items[i];
  }

  // Asks how the vehicles on screen are now, wherever they would stand by now.
  private async refreshInPlace(signal: AbortSignal): Promise<void> {
    const vin = this.rows.slice(this.range.start, this.range.end).flatMap((vehicle) => vehicle?.vin ?? []);
    if (vin.length === 0) return;
    const page = await this.api.get('/v1/vehicles', {
      query: { ...atParameter(this.store.query().at), vin, limit: vin.length, facets: false },
      signal,
    });
    if (signal.aborted) return;
    const now = new Map(page.items.map((vehicle) => [vehicle.vin, vehicle]));
    this.replace((vehicle) => now.get(vehicle.vin) ?? vehicle);
    this.reordered.set(true);
    this.show();
  }

  private patch(news: LiveTransitions): void {
    if (this.store.past() !== undefined) return;
    const changes = new Map(news.items.map((transition) => [transition.vin, transition]));
    const touched = this.replace((vehicle) => {
      const change = changes.get(vehicle.vin);
      return change ? after(vehicle, change) : vehicle;
    });
    if (touched.length === 0) return;
    this.mark(touched);
    this.show();
  }

  private replace(change: (vehicle: Vehicle) => Vehicle): string[] {
    const touched: string[] = [];
    for (const n of this.blocks) {
      for (let i = n * block; i < (n + 1) * block; i++) {
        const before = this.rows[i];
        if (!before) continue;
        const now = change(before);
        if (now === before) continue;
        this.rows[i] = now;
        touched.push(now.vin);
      }
    }
    return touched;
  }

  private mark(vins: string[]): void {
    this.marks.update((marks) => new Set([...marks, ...vins]));
    setTimeout(
      () => this.marks.update((marks) => new Set([...marks].filter((vin) => !vins.includes(vin)))),
      marked,
    );
  }

  private onScreen(): number[] {
    const first = Math.floor(this.range.start / block);
    const last = Math.floor(Math.max(this.range.start, this.range.end - 1) / block);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }

  private missing(): number[] {
    return this.onScreen().filter((n) => !this.blocks.has(n));
  }

  // Lets go of what was not fetched again, and of what is far from the screen.
  private forget(): void {
    for (const n of this.outdated) if (!this.blocks.has(n)) this.empty(n);
    this.outdated.clear();
    const middle = (this.range.start + this.range.end) / 2 / block;
    const byDistance = [...this.blocks].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    for (const n of byDistance.slice(keptBlocks)) {
      this.blocks.delete(n);
      this.empty(n);
    }
  }

  private empty(n: number): void {
    this.rows.fill(undefined, n * block, (n + 1) * block);
  }

  private show(): void {
    this.rows.length = Math.min(this.counted() ?? expected, mostRows);
    this.shown.next(this.rows);
  }
}

function after(vehicle: Vehicle, { to, at }: Transition): Vehicle {
  const heard = to === 'online' ? at : vehicle.last_heartbeat_at;
  return { ...vehicle, presence: to, since: at, last_heartbeat_at: heard };
}
