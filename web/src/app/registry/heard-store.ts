import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Unregistered } from '../api/shapes';
import { Uploads } from '../api/uploads';
import { csvOf } from './csv';

/** Milliseconds between two looks at the list. */
export const lookEvery = 5000;
const step = 100; // vehicles that are shown more at a time
const most = 1000; // vehicles that are shown at all: what the server gives at once

/** A vehicle that was heard and is not registered, and what became of it here. */
export interface Heard extends Unregistered {
  state: 'heard' | 'adding' | 'added';
  /** Why it could not be added; empty when it could, or nobody tried. */
  fault: string;
}

/**
 * The vehicles that were heard and are not registered, newest first, looked at every 5 s. While somebody points at the
 * list it is held: counts go on, and nothing moves; what is new comes when it is let go.
 */
@Injectable()
export class HeardStore {
  private readonly api = inject(Api);
  private readonly uploads = inject(Uploads);
  private readonly listed = signal<Heard[] | undefined>(undefined);
  private readonly latest = signal<Unregistered[]>([]);
  private readonly inAll = signal(0);
  private readonly trouble = signal<unknown>(undefined);
  private readonly held = signal(false);
  private limit = step;
  private asking: AbortController | undefined;

  /** What is shown; undefined until the first look. */
  readonly vehicles = this.listed.asReadonly();
  /** How many there are, shown or not. */
  readonly total = this.inAll.asReadonly();
  readonly problem = this.trouble.asReadonly();
  readonly more = computed(() => this.limit < most && this.inAll() > (this.listed()?.length ?? 0));
  /** How many were heard since the list is held. */
  readonly waiting = computed(() => {
    const shown = new Set(this.listed()?.map(({ vin }) => vin));
    return this.latest().filter(({ vin }) => !shown.has(vin)).length;
  });
  /** Those that can be added. */
  readonly addable = computed(() => this.listed()?.filter(({ state }) => state === 'heard') ?? []);

  constructor() {
    const timer = setInterval(() => document.hidden || void this.look(), lookEvery);
    inject(DestroyRef).onDestroy(() => {
      clearInterval(timer);
      this.asking?.abort();
    });
    void this.look();
  }

  /** Fetches the list anew. */
  async look(): Promise<void> {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    try {
      const page = await this.api.get('/v1/unregistered', { query: { limit: this.limit }, signal });
      this.latest.set(page.items);
      this.inAll.set(page.total);
      this.trouble.set(undefined);
      this.show();
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  async showMore(): Promise<void> {
    this.limit = Math.min(most, this.limit + step);
    const held = this.held();
    this.held.set(false); // more comes below what is shown
    await this.look();
    this.held.set(held);
  }

  /** Holds the list still, or lets it go. */
  hold(still: boolean): void {
    if (this.held() === still) return;
    this.held.set(still);
    if (!still && this.listed()) this.show();
  }

  /** Adds one to a customer. It tells whether that went well; when not, why stands at the vehicle or is the Problem. */
  async add(vin: string, customerId: string): Promise<boolean> {
    this.mark(vin, 'adding');
    try {
      await this.api.post('/v1/vehicles', { body: { vin, customer_id: customerId } });
      this.mark(vin, 'added');
      return true;
    } catch (error) {
      if (error instanceof Problem && error.status === 409) {
        this.mark(vin, 'added'); // somebody else was faster
        return true;
      }
      const fault = error instanceof Problem ? error.at('body.vin') : '';
      this.mark(vin, 'heard', fault);
      if (!fault) throw error;
      return false;
    }
  }

  /** Adds all that are shown to a customer, in one go. It gives how many were added. */
  async addAll(customerId: string): Promise<number> {
    const vins = this.addable().map(({ vin }) => vin);
    const file = csvOf([['vin', 'customer_id'], ...vins.map((vin) => [vin, customerId])]);
    for (const vin of vins) this.mark(vin, 'adding');
    try {
      const result = await this.uploads.importVehicles(new Blob([file]), { partial: true });
      const faults = new Map(result.errors.map(({ line, error }) => [line, error]));
      vins.forEach((vin, index) => {
        const fault = faults.get(index + 2); // the header is line 1
        this.mark(vin, fault ? 'heard' : 'added', fault);
      });
      return vins.length - result.rejected;
    } catch (error) {
      for (const vin of vins) this.mark(vin, 'heard');
      throw error;
    }
  }

  private show(): void {
    const shown = this.listed() ?? [];
    const before = new Map(shown.map((vehicle) => [vehicle.vin, vehicle]));
    const fresh = this.latest().map((vehicle): Heard => {
      const { state, fault } = before.get(vehicle.vin) ?? { state: 'heard' as const, fault: '' };
      return { ...vehicle, state, fault };
    });
    if (!this.held() || !this.listed()) {
      this.listed.set(fresh.filter(({ state }) => state !== 'added'));
      return;
    }
    const byVin = new Map(fresh.map((vehicle) => [vehicle.vin, vehicle]));
    this.listed.set(shown.map((vehicle) => byVin.get(vehicle.vin) ?? vehicle));
  }

  private mark(vin: string, state: Heard['state'], fault = ''): void {
    this.listed.update((list) => list?.map((each) => (each.vin === vin ? { ...each, state, fault } : each)));
  }
}
