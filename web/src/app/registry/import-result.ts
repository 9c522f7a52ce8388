import { Component, computed, inject, input } from '@angular/core';

import { ImportResult } from '../api/shapes';
import { Format } from '../words/format';

/** What an import did, or would do, in numbers. */
@Component({
  selector: 'fb-import-result',
  template: `
    <h3>{{ title() }}</h3>
    <dl>
      @for (figure of figures(); track figure.name) {
        <div [class.none]="figure.count === 0" [class.wrong]="figure.wrong">
          <dt>{{ figure.name }}</dt>
          <dd>{{ format.count(figure.count) }}</dd>
        </div>
      }
    </dl>
  `,
  styles: `
    h3 {
      margin-bottom: 8px;
      font: var(--mat-sys-title-small);
    }
    dl {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(8.5em, 1fr));
      gap: 8px;
      margin: 0;
    }
    dl > div {
      padding: 8px 14px;
      border: 1px solid var(--mat-sys-outline-variant);
      border-radius: 10px;
    }
    .wrong:not(.none) {
      border: 2px solid var(--mat-sys-on-surface);
    }
    .none {
      color: var(--mat-sys-on-surface-variant);
    }
    dt {
      font: var(--mat-sys-label-medium);
    }
    dd {
      margin: 0;
      font: var(--mat-sys-title-large);
    }
  `,
})
export class ImportResultView {
  protected readonly format = inject(Format);
  readonly result = input.required<ImportResult>();
  /** Whether nothing was written, and this is what would be. */
  readonly dry = input.required<boolean>();

  protected readonly title = computed(() => {
    const { created, updated, rejected } = this.result();
    if (!this.dry()) {
      return created + updated > 0
        ? $localize`Imported`
        : $localize`All of it was there already: nothing had to be written`;
    }
    if (rejected > 0) return $localize`Some of it is wrong. Nothing is written yet`;
    return created + updated > 0
      ? $localize`All lines are right. Nothing is written yet`
      : $localize`All of it is there already: there is nothing to import`;
  });

  protected readonly figures = computed(() => {
    const result = this.result();
    const [created, updated] = this.dry()
      ? [$localize`Vehicles to add`, $localize`Vehicles to change`]
      : [$localize`Vehicles added`, $localize`Vehicles changed`];
    const customers = this.dry() ? $localize`Customers to add` : $localize`Customers added`;
    return [
      { name: created, count: result.created },
      { name: updated, count: result.updated },
      { name: $localize`Unchanged`, count: result.unchanged },
      { name: customers, count: result.customers_created },
      { name: $localize`Wrong lines`, count: result.rejected, wrong: true },
    ];
  });
}
