import { DestroyRef, Injectable, inject, signal } from '@angular/core';

import { Api } from '../api/api';
import { Customer } from '../api/shapes';

const pause = 150; // milliseconds without another key before the server is asked
const most = 20; // customers that are offered

/** Finds customers by a part of their name, address or id while somebody types. It lives with the component that provides it. */
@Injectable()
export class CustomerSearch {
  private readonly api = inject(Api);
  private asking: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly found = signal<Customer[]>([]);
  private readonly answered = signal('');
  private readonly trouble = signal<unknown>(undefined);

  /** What was found last, by name; at most 20. */
  readonly customers = this.found.asReadonly();
  /** The text that they were found by. */
  readonly text = this.answered.asReadonly();
  /** Why the server could not be asked; undefined when it could. */
  readonly problem = this.trouble.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => this.stop());
  }

  /** Looks for a text as soon as no other follows it. */
  look(text: string): void {
    this.stop();
    this.timer = setTimeout(() => void this.ask(text.trim()), pause);
  }

  private async ask(text: string): Promise<void> {
    const { signal } = (this.asking = new AbortController());
    try {
      const query = text ? { q: text, limit: most } : { limit: most };
      const page = await this.api.get('/v1/customers', { query, signal });
      this.found.set(page.items);
      this.answered.set(text);
      this.trouble.set(undefined);
    } catch (error) {
      if (!signal.aborted) this.trouble.set(error);
    }
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
  }
}
