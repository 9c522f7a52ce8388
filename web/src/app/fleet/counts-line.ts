import { Component, computed, inject } from '@angular/core';

import { CountsHistory } from '../live/counts-history';
import { Format } from '../words/format';
import { missing, shapeBox, shapeOf } from './counts-shape';

/** How many vehicles were late and offline over the last hours. */
@Component({
  selector: 'fb-counts-line',
  template: `
    @if (shape(); as shape) {
      <figure>
        <svg [attr.viewBox]="box" preserveAspectRatio="none" role="img" [attr.aria-label]="text()">
          <path class="late" [attr.d]="shape.late" />
          <path class="offline" [attr.d]="shape.offline" />
        </svg>
        <figcaption class="fb-soft">{{ text() }}</figcaption>
      </figure>
    }
  `,
  styles: `
    :host {
      position: relative; // its place is kept before there is anything to show
      display: block;
      flex: 0 0 280px;
    }
    figure {
      position: absolute;
      display: flex;
      flex-direction: column;
      margin: 0;
      inset: 0;
    }
    svg {
      flex: 1;
      width: 100%;
      min-height: 0;
      border-bottom: 1px solid var(--mat-sys-outline);
    }
    .late {
      fill: var(--fb-late);
    }
    .offline {
      fill: var(--fb-offline);
    }
    figcaption {
      font: var(--mat-sys-label-small);
      white-space: nowrap;
    }
  `,
})
export class CountsLine {
  private readonly format = inject(Format);
  private readonly samples = inject(CountsHistory).samples;
  protected readonly box = shapeBox;

  protected readonly shape = computed(() => {
    const samples = this.samples();
    const [first, last] = [samples[0], samples.at(-1)];
    return first && last && first.at < last.at
      ? shapeOf(samples, { from: first.at, to: last.at })
      : undefined;
  });
  protected readonly text = computed(() => {
    const samples = this.samples();
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last) return '';
    const most = Math.max(...samples.map(missing));
    return $localize`Late and offline since ${this.format.hourAndMinute(new Date(first.at))}:time:, at most ${this.format.count(most)}:count:`;
  });
}
