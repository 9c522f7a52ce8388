import { Component, computed, inject, input } from '@angular/core';

import { Counts } from '../api/shapes';
import { Format } from '../words/format';
import { presenceName, presences } from '../words/presence';

/** Vehicles by presence as one stacked bar. Each presence has a pattern of its own beside its colour, and its words in the title. */
@Component({
  selector: 'fb-counts-bar',
  template: `
    @for (part of parts(); track part.presence) {
      <span [class]="part.presence" [style.flex-grow]="part.count"></span>
    }
  `,
  styles: `
    :host {
      display: flex;
      gap: 1px;
      height: 12px;
      overflow: hidden;
      border-radius: 3px;
      background: var(--mat-sys-surface-container-high);
    }
    span {
      flex: 0 1 0;
      min-width: 5px;
      background-color: var(--colour);
    }
    .online {
      --colour: var(--fb-online);
    }
    .late {
      --colour: var(--fb-late);

      background-image: repeating-linear-gradient(-45deg, var(--gap) 0 1.5px, transparent 1.5px 5px);
    }
    .offline {
      --colour: var(--fb-offline);

      background-image:
        repeating-linear-gradient(-45deg, var(--gap) 0 1px, transparent 1px 5px),
        repeating-linear-gradient(45deg, var(--gap) 0 1px, transparent 1px 5px);
    }
    .unknown {
      box-sizing: border-box;
      border: 2px solid var(--fb-unknown);
    }
    .paused {
      --colour: var(--fb-paused);

      background-image: repeating-linear-gradient(90deg, var(--gap) 0 2px, transparent 2px 6px);
    }
    span {
      --gap: var(--mat-sys-surface-container-low);
    }
  `,
  host: { role: 'img', '[attr.aria-label]': 'text()', '[title]': 'text()' },
})
export class CountsBar {
  private readonly format = inject(Format);
  readonly counts = input.required<Counts>();

  protected readonly parts = computed(() =>
    presences
      .map((presence) => ({ presence, count: this.counts()[presence] }))
      .filter((part) => part.count > 0),
  );
  protected readonly text = computed(() => {
    const parts = this.parts().map(
      ({ presence, count }) => `${this.format.count(count)} ${presenceName(presence)}`,
    );
    return parts.join(', ') || $localize`no vehicles`;
  });
}
