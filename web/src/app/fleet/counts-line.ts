import { Component, computed, inject } from '@angular/core';

import { CountsHistory, Sample } from '../live/counts-history';
import { Format } from '../words/format';

const width = 200;
const height = 40;

/** How many vehicles were late and offline over the last hours, as far as this page saw it. */
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
  protected readonly box = `0 0 ${width} ${height}`;

  protected readonly shape = computed(() =>
    this.samples().length < 2 ? undefined : shapeOf(this.samples()),
  );
  protected readonly text = computed(() => {
    const samples = this.samples();
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last) return '';
    const most = Math.max(...samples.map(missing));
    return $localize`Late and offline since ${this.format.hourAndMinute(new Date(first.at))}:time:, at most ${this.format.count(most)}:count:`;
  });
}

function missing({ counts }: Sample): number {
  return counts.late + counts.offline;
}

/** The areas under the counts of offline vehicles, and of late ones on top of them, in a box of 200 by 40. */
export function shapeOf(samples: readonly Sample[]): { late: string; offline: string } {
  const begin = samples[0]?.at ?? 0;
  const length = Math.max(1, (samples.at(-1)?.at ?? 0) - begin);
  const most = Math.max(1, ...samples.map(missing));
  const area = (value: (sample: Sample) => number) => {
    const points = samples.map((sample) => {
      const x = (width * (sample.at - begin)) / length;
      return `${x.toFixed(1)} ${(height - (height * value(sample)) / most).toFixed(1)}`;
    });
    return `M0 ${height}L${points.join('L')}L${width} ${height}Z`;
  };
  return { late: area(missing), offline: area(({ counts }) => counts.offline) };
}
