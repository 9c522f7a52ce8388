import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';

import { ImportResult } from '../api/shapes';
import { Uploads } from '../api/uploads';
import { Preview, linesAt, previewOf } from './csv-file';

/** Bytes; the server's own limit. */
export const largest = 64 << 20;

/** A file to import. */
export interface ChosenFile {
  name: string;
  content: Blob;
}

/** How far an import is. `dry` tells whether nothing is written, and only told what would be. */
export type Step =
  | { at: 'nothing' }
  | { at: 'too large' }
  /** A part of the file, from 0 to 1, is with the server. */
  | { at: 'sending'; dry: boolean; part: number }
  /** All of the file is with the server, which has not answered yet. */
  | { at: 'working'; dry: boolean }
  | { at: 'checked'; result: ImportResult }
  | { at: 'imported'; result: ImportResult }
  | { at: 'stopped'; dry: boolean }
  | { at: 'failed'; dry: boolean; problem: unknown };

/** One import: a file is chosen, looked at, checked by the server, and then written. */
@Injectable()
export class ImportStore {
  private readonly uploads = inject(Uploads);
  private readonly chosen = signal<ChosenFile | undefined>(undefined);
  private readonly beginning = signal<Preview | undefined>(undefined);
  private readonly state = signal<Step>({ at: 'nothing' });
  private readonly texts = signal<ReadonlyMap<number, string>>(new Map());
  private going: AbortController | undefined;
  private choice = 0; // counts files, so that a slow look at an earlier one is dropped

  readonly file = this.chosen.asReadonly();
  readonly preview = this.beginning.asReadonly();
  readonly step = this.state.asReadonly();
  /** What stands on the lines that have errors or warnings, by number. */
  readonly lines = this.texts.asReadonly();
  readonly busy = computed(() => this.state().at === 'sending' || this.state().at === 'working');

  constructor() {
    inject(DestroyRef).onDestroy(() => this.going?.abort());
  }

  /** Looks at a file, and has the server check it. */
  async choose(file: ChosenFile): Promise<void> {
    this.forget();
    const choice = this.choice;
    this.chosen.set(file);
    if (file.content.size > largest) {
      this.state.set({ at: 'too large' });
      return;
    }
    const check = this.check();
    try {
      const preview = await previewOf(file.content);
      if (choice === this.choice) this.beginning.set(preview);
    } catch (problem) {
      // The browser cannot read it: it was moved or changed since it was chosen.
      if (choice === this.choice) this.state.set({ at: 'failed', dry: true, problem });
    }
    await check;
  }

  /** Has the server say what an import would do. */
  check(): Promise<void> {
    return this.send(true, false);
  }

  /** Writes it. With `partial` the good lines are written though others are wrong. */
  write(partial: boolean): Promise<void> {
    return this.send(false, partial);
  }

  /** Breaks off what is going on. */
  stop(): void {
    const step = this.state();
    if (step.at !== 'sending' && step.at !== 'working') return;
    this.going?.abort();
    this.state.set({ at: 'stopped', dry: step.dry });
  }

  /** Begins anew. */
  forget(): void {
    this.going?.abort();
    this.choice++;
    this.chosen.set(undefined);
    this.beginning.set(undefined);
    this.texts.set(new Map());
    this.state.set({ at: 'nothing' });
  }

  private async send(dryRun: boolean, partial: boolean): Promise<void> {
    const file = this.chosen()?.content;
    if (!file || this.busy()) return;
    const { signal } = (this.going = new AbortController());
    const progress = (sent: number) => {
      if (!signal.aborted) this.state.set(progressed(sent, file.size, dryRun));
    };
    progress(0);
    try {
      const result = await this.uploads.importVehicles(file, { dryRun, partial, progress, signal });
      if (signal.aborted) return;
      // Without partial one wrong line keeps all from being written: then the answer is as that of a check.
      const written = !dryRun && (result.applied || result.rejected === 0);
      this.state.set({ at: written ? 'imported' : 'checked', result });
      await this.readLines(file, result, signal);
    } catch (problem) {
      if (!signal.aborted) this.state.set({ at: 'failed', dry: dryRun, problem });
    }
  }

  private async readLines(file: Blob, result: ImportResult, signal: AbortSignal): Promise<void> {
    const numbers = [...result.errors, ...result.warnings].map((error) => error.line);
    try {
      const texts = await linesAt(file, numbers, signal);
      if (!signal.aborted) this.texts.set(texts);
    } catch {
      // The file is gone since; what is wrong is told without the text beside it.
    }
  }
}

function progressed(sent: number, size: number, dry: boolean): Step {
  return sent >= size ? { at: 'working', dry } : { at: 'sending', dry, part: sent / size };
}
