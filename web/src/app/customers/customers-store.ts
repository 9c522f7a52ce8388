import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Customer, CustomerPage } from '../api/shapes';
import { Feed } from '../live/feed';
import { Pace } from '../live/pace';

const pageSize = 100;
const pause = 1000; // milliseconds between two looks at what is shown

/** Customers that were fetched together. */
interface Page {
  /** Where it begins; empty for the first. */
  cursor: string;
  items: Customer[];
  next: string | null;
}

/** The customers that a text finds, page by page, kept true: what is in view follows the fleet once a second. */
@Injectable()
export class CustomersStore {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly pace = new Pace(() => this.refresh(), pause);
  private readonly loaded = signal<Page[] | undefined>(undefined);
  private readonly found = signal(0);
  private readonly trouble = signal<unknown>(undefined);
  private readonly busy = signal(false);
  private readonly inView = new Set<number>();
  private asking = new AbortController();
  private text = '';

  /** What was fetched, in the order of names; undefined until the first page is there. */
  readonly pages = this.loaded.asReadonly();
  /** How many customers the text finds in all. */
  readonly total = this.found.asReadonly();
  readonly problem = this.trouble.asReadonly();
  /** Whether the next page is being fetched. */
  readonly loadingMore = this.busy.asReadonly();
  readonly more = computed(() => !!this.loaded()?.at(-1)?.next);

  constructor() {
    let seen = this.feed.resyncs();
    effect(() => {
      const resyncs = this.feed.resyncs();
      if (resyncs === seen) return;
      seen = resyncs;
      untracked(() => void this.reload());
    });
    effect(() => {
      if (this.feed.summary()) untracked(() => this.pace.soon());
    });
    inject(DestroyRef).onDestroy(() => {
      this.pace.stop();
      this.asking.abort();
    });
  }

  /** Finds the customers with a text in their name, address or id. What is shown stays until they are there. */
  async find(text: string): Promise<void> {
    this.text = text.trim();
    this.inView.clear();
    await this.begin(1);
  }

  /** Fetches everything anew that is shown. */
  async reload(): Promise<void> {
    await this.begin(Math.max(1, this.loaded()?.length ?? 0));
  }

  async loadMore(): Promise<void> {
    const cursor = this.loaded()?.at(-1)?.next;
    if (!cursor || this.busy()) return;
    const { signal } = this.asking;
    this.busy.set(true);
    try {
      const page = await this.fetch(cursor, signal);
      this.loaded.update((pages) => [...(pages ?? []), pageOf(cursor, page)]);
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    } finally {
      if (!signal.aborted) this.busy.set(false);
    }
  }

  /** Notes whether a page is in view: only what somebody sees is kept fresh. */
  see(index: number, visible: boolean): void {
    if (visible) this.inView.add(index);
    else this.inView.delete(index);
  }

  private async begin(count: number): Promise<void> {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    this.busy.set(false);
    try {
      const pages: Page[] = [];
      for (let next: string | null = ''; next !== null && pages.length < count;) {
        const page = await this.fetch(next, signal);
        pages.push(pageOf(next, page));
        this.found.set(page.total);
        next = page.next_cursor;
      }
      this.loaded.set(pages);
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  // The counts of what is in view. Who comes and goes is told by a resync, which fetches all of it.
  private async refresh(): Promise<void> {
    const { signal } = this.asking;
    const pages = this.loaded();
    if (!pages || document.hidden) return;
    try {
      for (const index of this.inView) {
        const page = pages[index];
        if (!page) continue;
        const fresh = await this.fetch(page.cursor, signal);
        if (signal.aborted) return;
        this.loaded.update((now) => now?.map((each, i) => (i === index ? updated(each, fresh.items) : each)));
      }
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  private fetch(cursor: string, signal: AbortSignal): Promise<CustomerPage> {
    return this.api.get('/v1/customers', { query: { q: this.text, limit: pageSize, cursor }, signal });
  }
}

function pageOf(cursor: string, page: CustomerPage): Page {
  return { cursor, items: page.items, next: page.next_cursor };
}

function updated(page: Page, fresh: Customer[]): Page {
  const byId = new Map(fresh.map((customer) => [customer.id, customer]));
  return { ...page, items: page.items.map((customer) => byId.get(customer.id) ?? customer) };
}
