import { Component } from '@angular/core';

import { PresenceMark } from '../../ui/presence-mark';
import { presences } from '../../words/presence';

/** What the cells of the grid mean. */
@Component({
  selector: 'fb-legend',
  imports: [PresenceMark],
  template: `
    <span class="fb-soft" i18n>A cell is a vehicle:</span>
    <ul>
      @for (presence of presences; track presence) {
        <li><fb-presence-mark [presence]="presence" /></li>
      }
    </ul>
  `,
  styles: `
    :host,
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 2px 14px;
      margin: 0;
      padding: 0;
      font: var(--mat-sys-label-small);
      list-style: none;
    }
  `,
})
export class Legend {
  protected readonly presences = presences;
}
