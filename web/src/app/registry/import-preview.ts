import { Component, computed, input } from '@angular/core';

import { Preview } from './csv-file';

/** The first lines of a file as a table, so that one sees whether its columns are what one thinks. */
@Component({
  selector: 'fb-import-preview',
  template: `
    @if (fault(); as fault) {
      <p role="alert">{{ fault }}</p>
    } @else {
      <div class="fb-scroll" tabindex="0" role="region" aria-label="The first lines" i18n-aria-label>
        <table class="fb-table">
          <thead>
            <tr>
              <th scope="col" class="number" i18n>Line</th>
              @for (column of preview().columns; track $index) {
                <th scope="col" [class.unknown]="!column.known">
                  {{ column.name || '–' }}
                  @if (!column.known) {
                    <span i18n>not a column</span>
                  }
                </th>
              }
            </tr>
          </thead>
          <tbody>
            @for (line of preview().lines; track line.number) {
              <tr>
                <td class="number fb-soft">{{ line.number }}</td>
                @for (column of preview().columns; track $index) {
                  <td>{{ line.cells[$index] }}</td>
                }
              </tr>
            }
          </tbody>
        </table>
      </div>
      @if (preview().more) {
        <p class="fb-soft" i18n>… and so on: these are the first lines.</p>
      }
    }
  `,
  styles: `
    p {
      margin: 8px 0 0;
    }
    td {
      max-width: 24em;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .number {
      width: 1%;
      padding-inline-end: 16px;
    }
    .unknown {
      text-decoration: line-through;
    }
    .unknown span {
      display: inline-block;
      margin-inline-start: 4px;
      padding: 0 6px;
      border: 1px solid currentcolor;
      border-radius: 6px;
      text-decoration: none;
    }
  `,
})
export class ImportPreview {
  readonly preview = input.required<Preview>();

  protected readonly fault = computed(() => {
    switch (this.preview().fault) {
      case 'empty':
        return $localize`There is nothing in this file.`;
      case 'UTF-16':
        return $localize`The file is UTF-16. Save it as UTF-8: spreadsheets call that “CSV UTF-8”.`;
      case 'semicolons':
        return $localize`The columns are separated by semicolons. Save the file with commas between them.`;
      default:
        return '';
    }
  });
}
