import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';

import { ImportResult, LineError } from '../api/shapes';
import { saveFile } from '../ui/save-file';
import { Format } from '../words/format';
import { csvOf, splitLine } from './csv';

const most = 1000; // errors that the server tells, and warnings too
const shownAtFirst = 50;

/** Something about a line of a file, beside that line. */
interface Remark extends LineError {
  warning: boolean;
  /** The line in cells; one cell when it cannot be split. Empty until the file is read. */
  cells: string[];
  /** Index of the cell that is meant; -1 for the whole line. */
  at: number;
}

/** What is wrong in a file, line by line, each beside the line's own text with the cell marked. */
@Component({
  selector: 'fb-line-errors',
  imports: [MatButton, MatIcon],
  template: `
    <div class="fb-row">
      <h3 class="fb-spread">{{ title() }}</h3>
      <button matButton type="button" (click)="save()">
        <mat-icon svgIcon="download" /><ng-container i18n>Save as CSV</ng-container>
      </button>
    </div>
    <div class="fb-scroll" tabindex="0" role="region" [attr.aria-label]="title()">
      <table class="fb-table">
        <thead>
          <tr>
            <th scope="col" class="number" i18n>Line</th>
            <th scope="col" i18n>Column</th>
            <th scope="col" i18n>What</th>
            <th scope="col" i18n>The line</th>
          </tr>
        </thead>
        <tbody>
          @for (remark of shown(); track $index) {
            <tr>
              <td class="number">{{ format.count(remark.line) }}</td>
              <td>{{ remark.column ?? '–' }}</td>
              <td class="what">
                @if (remark.warning) {
                  <span class="fb-soft" i18n>Warning:</span>
                }
                {{ remark.error }}
              </td>
              <td class="line">
                @for (cell of remark.cells; track $index; let last = $last) {
                  @if ($index === remark.at) {
                    <mark>{{ cell || ' ' }}</mark>
                  } @else {
                    <span>{{ cell }}</span>
                  }
                  @if (!last) {
                    <span class="fb-soft">,</span>
                  }
                }
              </td>
            </tr>
          }
        </tbody>
      </table>
    </div>
    @if (remarks().length > shown().length) {
      <button matButton="outlined" type="button" (click)="all.set(true)" i18n>Show all</button>
    }
    @if (capped()) {
      <p class="fb-soft" i18n>These are the first 1,000; there are more.</p>
    }
  `,
  styles: `
    h3 {
      font: var(--mat-sys-title-small);
    }
    .number {
      width: 1%;
      padding-inline-end: 16px;
    }
    .what {
      min-width: 14em;
    }
    .line {
      max-width: 48em;
      font-family: ui-monospace, monospace;
      overflow-wrap: anywhere;
      white-space: pre-wrap;
    }
    mark {
      display: inline-block;
      min-width: 0.8em;
      border-bottom: 2px solid var(--mat-sys-on-surface);
      background: var(--mat-sys-surface-container-highest);
      color: inherit;
      font-weight: 600;
    }
  `,
})
export class LineErrors {
  protected readonly format = inject(Format);
  readonly result = input.required<ImportResult>();
  /** The names in the file's header. */
  readonly columns = input.required<readonly string[]>();
  /** The texts of lines, by number. */
  readonly lines = input.required<ReadonlyMap<number, string>>();

  protected readonly all = signal(false);
  protected readonly remarks = computed(() => {
    const { errors, warnings } = this.result();
    return [
      ...errors.map((error) => this.remark(error, false)),
      ...warnings.map((error) => this.remark(error, true)),
    ];
  });
  protected readonly shown = computed(() =>
    this.all() ? this.remarks() : this.remarks().slice(0, shownAtFirst),
  );
  protected readonly capped = computed(
    () => this.result().errors.length >= most || this.result().warnings.length >= most,
  );
  protected readonly title = computed(() => {
    const { rejected, warnings } = this.result();
    if (rejected === 0) return $localize`What looks odd, and is accepted`;
    if (rejected === 1) return $localize`1 line is wrong`;
    const count = this.format.count(rejected);
    return warnings.length > 0
      ? $localize`${count}:count: lines are wrong; warnings come last`
      : $localize`${count}:count: lines are wrong`;
  });

  protected save(): void {
    const rows = this.remarks().map(({ line, column, error, warning }) => [
      String(line),
      column ?? '',
      warning ? 'warning' : 'error',
      error,
      this.lines().get(line) ?? '',
    ]);
    saveFile(
      'fleetbeat-import-errors.csv',
      'text/csv',
      csvOf([['line', 'column', 'kind', 'what', 'text'], ...rows]),
    );
  }

  private remark(error: LineError, warning: boolean): Remark {
    const text = this.lines().get(error.line) ?? '';
    const { cells, bad } = splitLine(text);
    const at = error.column ? this.columns().indexOf(error.column) : -1;
    return { ...error, warning, cells: bad || at < 0 ? [text.slice(0, 400)] : cells, at: bad ? -1 : at };
  }
}
