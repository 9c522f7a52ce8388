import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { GridGroup, GridUpdate, Vehicle } from '../api/shapes';
import { Feed } from './feed';

/** The whole fleet in one byte per vehicle, in an order that holds within an epoch. */
export interface Cells {
  epoch: number;
  position: number;
  /** Indexes into wirePresences. */
  presences: Uint8Array;
}

const retryAfter = 3_000; // milliseconds
const otherNodeAfter = 100; // milliseconds, for a node that is a moment behind
const maxWaiting = 600; // updates, a minute of them: a fetch that takes longer begins anew
const header = 20; // epoch u64, position u64, count u32, little-endian

/** What an answer about cells begins with. */
export interface CellsHeader {
  epoch: number;
  position: number;
  /** How many cells there are. */
  count: number;
  /** All that comes after the header. */
  rest: Uint8Array;
}

/** Reads what an answer about cells begins with. It throws when there is not enough. */
export function readHeader(data: ArrayBuffer): CellsHeader {
  if (data.byteLength < header) throw new Error(`the grid's ${data.byteLength} bytes are not even a header`);
  const view = new DataView(data);
  return {
    epoch: Number(view.getBigUint64(0, true)), // below 2^53, as the server promises
    position: Number(view.getBigUint64(8, true)),
    count: view.getUint32(16, true),
    rest: new Uint8Array(data, header),
  };
}

/** Reads the grid as it comes over the wire. It throws when the bytes are not what their header says. */
export function readCells(data: ArrayBuffer): Cells {
  const { epoch, position, count, rest } = readHeader(data);
  if (rest.length !== count) {
    throw new Error(`the grid's ${data.byteLength} bytes are not what its header says`);
  }
  return { epoch, position, presences: rest };
}

/**
 * Puts an update into the cells and gives the indexes that changed; undefined when it is not for these cells, which are
 * then to be fetched anew.
 */
export function applyUpdate(cells: Cells, update: GridUpdate): Uint32Array | undefined {
  if (update.epoch !== cells.epoch) return undefined;
  if (update.position <= cells.position) return new Uint32Array();
  const bytes = Uint8Array.from(atob(update.cells), (c) => c.charCodeAt(0));
  if (bytes.length % 4 !== 0) return undefined;
  const changed = new Uint32Array(bytes.buffer);
  for (let i = 0; i < changed.length; i++) {
    const word = changed[i] ?? 0;
    const index = word >>> 4;
    if (index >= cells.presences.length) return undefined;
    cells.presences[index] = word & 15;
    changed[i] = index;
  }
  cells.position = update.position;
  return changed;
}

/**
 * The grid, kept true: fetched once, then changed by the live stream; fetched anew after a break or when vehicles came or
 * went. It lives with the component that provides it.
 */
@Injectable()
export class GridCells {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);

  private at = ''; // RFC 3339; empty for now
  private cells: Cells | undefined;
  private told = 0; // the log position up to which the stream told changes
  private waiting: GridUpdate[] = []; // that came while the grid was being fetched
  private fetching: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<(changed: Uint32Array) => void>();
  private readonly loaded = signal(0);
  private readonly customers = signal<GridGroup[]>([]);
  private readonly trouble = signal<unknown>(undefined);

  /** The customers that have vehicles, in the order of the grid. */
  readonly groups = this.customers.asReadonly();
  /** Why the grid could not be fetched; undefined when it could. */
  readonly problem = this.trouble.asReadonly();
  /** Presences by index; a new array only when the order changed or everything was fetched anew. Changed in place otherwise. */
  readonly presences = computed(() => (this.loaded(), this.cells?.presences));
  readonly epoch = computed(() => (this.loaded(), this.cells?.epoch));

  constructor() {
    const ends = [
      this.feed.onGrid((update) => this.take(update)),
      this.feed.onResync(({ position }) => {
        this.told = position;
        void this.fetch();
      }),
    ];
    inject(DestroyRef).onDestroy(() => {
      ends.forEach((end) => end());
      this.fetching?.abort();
      clearTimeout(this.retry);
    });
    if (this.feed.state() !== 'connecting') void this.fetch(); // else the stream's first word is to resynchronise
  }

  /** Calls back with the indexes of cells that changed. It returns what ends that. */
  onChange(listener: (changed: Uint32Array) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Shows the fleet as of a moment, RFC 3339; empty for now. The cells of before stay until the others are there. */
  show(at: string): void {
    if (at === this.at) return;
    this.at = at;
    void this.fetch();
  }

  /** The vehicle in a cell; undefined when the order of cells is not that of an epoch any more. */
  async vehicleAt(index: number, epoch: number, signal?: AbortSignal): Promise<Vehicle | undefined> {
    const answer = await this.api.get('/v1/grid/vehicles', {
      query: { ...this.moment(), from: index, limit: 1 },
      ...(signal && { signal }),
    });
    return answer.epoch === epoch ? answer.items[0] : undefined;
  }

  /** Fetches everything again. */
  async fetch(): Promise<void> {
    this.fetching?.abort();
    clearTimeout(this.retry);
    const { signal } = (this.fetching = new AbortController());
    this.waiting = [];
    try {
      await this.feed.during(this.load(signal, this.at ? 0 : this.told));
      this.trouble.set(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.trouble.set(error);
      this.retry = setTimeout(() => void this.fetch(), retryAfter);
    }
  }

  // The answers are for each other and not older than what was told before, also when they come from different nodes.
  private async load(signal: AbortSignal, least: number): Promise<void> {
    const query = this.moment();
    const [cells, groups] = await Promise.all([
      this.api.bytes('/v1/grid', { query, signal }).then(readCells),
      this.api.get('/v1/grid/groups', { query, signal }),
    ]);
    if (signal.aborted) return;
    if (groups.epoch !== cells.epoch || cells.position < least) {
      await new Promise((resolve) => setTimeout(resolve, otherNodeAfter));
      return this.load(signal, least);
    }
    this.cells = cells;
    this.customers.set(groups.items);
    this.fetching = undefined;
    for (const update of this.waiting) applyUpdate(cells, update);
    this.waiting = [];
    this.loaded.update((n) => n + 1);
  }

  private moment(): { at?: string } {
    return this.at ? { at: this.at } : {};
  }

  private take(update: GridUpdate): void {
    this.told = update.position;
    if (this.at) return; // the past stands still
    if (this.fetching || !this.cells) {
      this.waiting.push(update);
      if (this.waiting.length > maxWaiting) void this.fetch();
      return;
    }
    const changed = applyUpdate(this.cells, update);
    if (changed === undefined) void this.fetch();
    else if (changed.length > 0) this.listeners.forEach((listener) => listener(changed));
  }
}
