import { Component, computed, inject, input, output } from '@angular/core';

import { Counts, Presence } from '../api/shapes';
import { PresenceMark } from '../ui/presence-mark';
import { Format } from '../words/format';
import { presences } from '../words/presence';

/** How many vehicles are online, late and so on; each a filter that can be switched on and off. */
@Component({
  selector: 'fb-tiles',
  imports: [PresenceMark],
  template: `
    <div class="share">
      <b>{{ share() }}</b>
      <span class="fb-soft">{{ of() }}</span>
    </div>
    <div class="tiles" role="group" aria-label="Show only vehicles that are" i18n-aria-label>
      @for (presence of presences; track presence) {
        <button
          type="button"
          [attr.aria-pressed]="chosen().includes(presence)"
          (click)="toggled.emit(presence)"
        >
          <fb-presence-mark [presence]="presence" />
          <b>{{ counts() ? format.count(counts()![presence]) : '–' }}</b>
        </button>
      }
    </div>
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: stretch;
      gap: 8px 24px;
    }
    .share {
      display: flex;
      flex-direction: column;
      justify-content: center;
      min-width: 9.5em;
    }
    .share b {
      font: var(--mat-sys-display-small);
      font-weight: 500;
      letter-spacing: -0.02em;
      line-height: 1;
    }
    .tiles {
      display: grid;
      flex: 1 1 300px;
      grid-template-columns: repeat(5, minmax(0, 1fr));
      gap: 8px;
    }
    button {
      display: flex;
      flex-direction: column;
      gap: 2px;
      min-width: 0;
      padding: 8px 14px;
      border: 1px solid var(--mat-sys-outline-variant);
      border-radius: 10px;
      background: var(--mat-sys-surface-container-low);
      color: inherit;
      font: inherit;
      text-align: start;
      cursor: pointer;
    }
    button:hover {
      background: var(--mat-sys-surface-container);
    }
    button[aria-pressed='true'] {
      border-color: var(--mat-sys-on-surface);
      background: var(--mat-sys-surface-container-high);
      box-shadow: inset 0 0 0 1px var(--mat-sys-on-surface);
    }
    button b {
      font: var(--mat-sys-title-large);
      font-variant-numeric: tabular-nums;
    }
    @media (width <= 700px) {
      :host {
        gap: 8px;
      }
      .share {
        flex-flow: row wrap;
        align-items: baseline;
        justify-content: flex-start;
        gap: 8px;
      }
      .tiles {
        flex-basis: 100%;
        grid-template-columns: repeat(6, minmax(0, 1fr));
        gap: 6px;
      }
      button {
        grid-column: span 2;
        padding: 6px 10px;
      }
      button:nth-child(n + 4) {
        grid-column: span 3;
      }
    }
  `,
})
export class Tiles {
  protected readonly format = inject(Format);
  protected readonly presences = presences;

  /** Undefined until they are known. */
  readonly counts = input.required<Counts | undefined>();
  readonly chosen = input.required<readonly Presence[]>();
  readonly toggled = output<Presence>();

  private readonly whole = computed(() => {
    const counts = this.counts();
    return counts && presences.reduce((sum, presence) => sum + counts[presence], 0);
  });
  protected readonly share = computed(() => {
    const [counts, whole] = [this.counts(), this.whole()];
    return counts && whole !== undefined ? this.format.share(counts.online, whole) : '–';
  });
  protected readonly of = computed(() => {
    const whole = this.whole();
    return whole === undefined
      ? $localize`online`
      : $localize`online of ${this.format.count(whole)}:vehicles:`;
  });
}
