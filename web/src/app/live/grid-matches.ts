import { DestroyRef, Injectable, effect, inject, signal, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Feed } from './feed';
import { readHeader } from './grid-cells';
import { Pace } from './pace';

/** Which cells a search finds, whatever their presence. */
export interface Matches {
  /** Of the order of cells. */
  epoch: number;
  /** One bit per cell, from the lowest of a byte on. */
  bits: Uint8Array;
}

/** What is searched for. Nothing finds every cell. */
export interface Search {
  text: string;
  /** All of these. */
  tags: readonly string[];
  /** As of which moment, RFC 3339; empty for now. */
  at: string;
}

/** Reads matches as they come over the wire. It throws when the bytes are not what their header says. */
export function readMatches(data: ArrayBuffer): Matches {
  const { epoch, count, rest } = readHeader(data);
  if (rest.length !== Math.ceil(count / 8)) {
    throw new Error(`the ${data.byteLength} bytes of matches are not what their header says`);
  }
  return { epoch, bits: rest };
}

/** The cells that a search finds, asked for again when the registry changes. It lives with the component that provides it. */
@Injectable()
export class GridMatches {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly searched = signal<Search>({ text: '', tags: [], at: '' });
  private readonly answer = signal<Matches | undefined>(undefined);
  private readonly pace = new Pace(() => this.ask(), 1000);
  private asking: AbortController | undefined;
  private revision: number | undefined;

  /** What the search finds; undefined when nothing is searched for, or the answer is still to come. */
  readonly found = this.answer.asReadonly();

  constructor() {
    effect(() => {
      this.feed.resyncs();
      const revision = this.feed.summary()?.revision;
      untracked(() => {
        if (revision === this.revision) return;
        this.revision = revision;
        this.pace.soon();
      });
    });
    inject(DestroyRef).onDestroy(() => {
      this.pace.stop();
      this.asking?.abort();
    });
  }

  /** Searches for something else. */
  search(search: Search): void {
    this.searched.set(search);
    this.pace.now();
  }

  private async ask(): Promise<void> {
    this.asking?.abort();
    const { text, tags, at } = this.searched();
    if (text.trim() === '' && tags.length === 0) {
      this.answer.set(undefined);
      return;
    }
    const { signal } = (this.asking = new AbortController());
    try {
      const query = { ...(at && { at }), q: text.trim(), tag: [...tags] };
      this.answer.set(readMatches(await this.api.bytes('/v1/grid/matches', { query, signal })));
    } catch {
      if (!signal.aborted) this.pace.soon(); // the page says elsewhere that the server is away
    }
  }
}
