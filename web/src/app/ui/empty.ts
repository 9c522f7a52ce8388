import { Component, input } from '@angular/core';

/** What stands where nothing is to be shown: why, and what to do, as its content. */
@Component({
  selector: 'fb-empty',
  template: `
    <h2>{{ title() }}</h2>
    <div class="what"><ng-content /></div>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 8px;
      padding: 40px 16px 44px;
      color: var(--mat-sys-on-surface-variant);
      text-align: center;
    }
    .what {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 16px;
      max-width: 40em;
      text-wrap: pretty;
    }
  `,
})
export class Empty {
  readonly title = input.required<string>();
}
