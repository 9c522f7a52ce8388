import { Component, ElementRef, computed, inject, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatCheckbox } from '@angular/material/checkbox';
import { MatFormField, MatLabel } from '@angular/material/form-field';
import { MatIcon } from '@angular/material/icon';
import { MatInput } from '@angular/material/input';
import { MatProgressBar } from '@angular/material/progress-bar';
import { MatSnackBar } from '@angular/material/snack-bar';
import { RouterLink } from '@angular/router';

import { Notice } from '../ui/notice';
import { saveFile } from '../ui/save-file';
import { Format } from '../words/format';
import { template } from './csv';
import { ImportPreview } from './import-preview';
import { ImportResultView } from './import-result';
import { ImportStore } from './import-store';
import { LineErrors } from './line-errors';

/** Brings vehicles and customers in from a CSV file: chosen, looked at, checked, and then written. */
@Component({
  selector: 'fb-import-panel',
  imports: [
    ImportPreview,
    ImportResultView,
    LineErrors,
    MatButton,
    MatCheckbox,
    MatFormField,
    MatIcon,
    MatInput,
    MatLabel,
    MatProgressBar,
    Notice,
    RouterLink,
  ],
  providers: [ImportStore],
  templateUrl: './import-panel.html',
  styleUrl: './import-panel.scss',
})
export class ImportPanel {
  private readonly format = inject(Format);
  private readonly snackBar = inject(MatSnackBar);
  private readonly news = viewChild.required<ElementRef<HTMLElement>>('news');
  protected readonly store = inject(ImportStore);

  protected readonly over = signal(false);
  protected readonly pasting = signal(false);
  /** Whether the good lines are to be written though others are wrong. */
  protected readonly anyway = signal(false);

  protected readonly result = computed(() => {
    const step = this.store.step();
    return step.at === 'checked' || step.at === 'imported' ? step.result : undefined;
  });
  protected readonly good = computed(() => {
    const result = this.result();
    return result ? result.created + result.updated + result.unchanged : 0;
  });
  protected readonly marked = computed(() => {
    const result = this.result();
    return result ? [...result.errors, ...result.warnings] : [];
  });
  protected readonly columnNames = computed(
    () => this.store.preview()?.columns.map(({ name }) => name) ?? [],
  );
  protected readonly partialText = computed(() => {
    const [good, wrong] = [this.good(), this.result()?.rejected ?? 0].map((n) => this.format.count(n));
    return $localize`Import what is right (${good}:good:) and leave out what is wrong (${wrong}:wrong:)`;
  });
  protected readonly importText = computed(() => {
    const result = this.result();
    const vehicles = result ? result.created + result.updated : 0;
    if (vehicles === 1) return $localize`Import 1 vehicle`;
    return $localize`Import ${this.format.count(vehicles)}:count: vehicles`;
  });

  protected size(bytes: number): string {
    if (bytes < 1024) return $localize`${bytes}:count: bytes`;
    const kib = bytes / 1024;
    return kib < 1024 ? `${kib.toFixed(kib < 10 ? 1 : 0)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
  }

  protected picked(input: HTMLInputElement): void {
    const file = input.files?.[0];
    input.value = ''; // so that the same file can be chosen again when it was mended
    if (file) this.take(file.name, file);
  }

  protected dragged(event: DragEvent, over: boolean): void {
    event.preventDefault();
    this.over.set(over);
  }

  protected dropped(event: DragEvent): void {
    event.preventDefault();
    this.over.set(false);
    const file = event.dataTransfer?.files[0];
    if (file && !this.store.busy()) this.take(file.name, file);
  }

  protected togglePaste(): void {
    this.pasting.update((is) => !is);
  }

  protected paste(text: string): void {
    if (!text.trim()) return;
    this.take($localize`Pasted text`, new Blob([text], { type: 'text/csv' }));
    this.focusNews();
  }

  protected saveTemplate(): void {
    saveFile('fleetbeat-template.csv', 'text/csv', template);
  }

  protected async write(): Promise<void> {
    this.focusNews();
    await this.store.write(this.anyway());
    const step = this.store.step();
    if (step.at !== 'imported') return;
    const file = this.store.file()?.name ?? '';
    this.snackBar.open($localize`${file}:file: is imported`, undefined, { duration: 4000 });
  }

  // The button that was pressed goes away; whoever goes by keys continues where the news will be.
  private focusNews(): void {
    this.news().nativeElement.focus();
  }

  private take(name: string, content: Blob): void {
    this.anyway.set(false);
    void this.store.choose({ name, content });
  }
}
