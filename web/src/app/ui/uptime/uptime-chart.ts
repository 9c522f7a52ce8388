import {
  Component,
  DestroyRef,
  ElementRef,
  ViewEncapsulation,
  afterRenderEffect,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import uPlot from 'uplot';

import { Uptime } from '../../api/shapes';
import { Preferences } from '../../settings/preferences';
import { Format } from '../../words/format';
import { Part, downwards, parts, stack } from './stack';

const height = 200; // CSS pixels
const colours: Record<Part, string> = {
  connected: '--fb-online',
  disconnected: '--fb-offline',
  unobserved: '--mat-sys-outline',
  paused: '--fb-paused',
};
const nameWidth = 80; // CSS pixels
const hatchSize = 8; // device pixels

/** Uptime as stacked bars, a bar a step, each as high as the time that it is about. */
@Component({
  selector: 'fb-uptime-chart',
  template: `<div #room role="img" [attr.aria-label]="label()"></div>
    <ul class="fb-uptime-legend fb-soft" aria-hidden="true">
      @for (part of parts; track part) {
        <li><span [class]="part"></span>{{ names[part] }}</li>
      }
    </ul>`,
  styleUrls: ['../../../../node_modules/uplot/dist/uPlot.min.css', './uptime-chart.scss'],
  encapsulation: ViewEncapsulation.None, // the chart's own elements are made by uPlot
})
export class UptimeChart {
  private readonly format = inject(Format);
  private readonly preferences = inject(Preferences);
  private readonly room = viewChild.required<ElementRef<HTMLElement>>('room');
  private readonly width = signal(0);
  private readonly dark = signal(0); // how often the system turned from light to dark, or back

  readonly items = input.required<readonly Uptime[]>();
  readonly label = input.required<string>();
  protected readonly parts = parts;
  protected readonly names: Record<Part, string> = {
    connected: $localize`connected`,
    disconnected: $localize`disconnected`,
    unobserved: $localize`unobserved`,
    paused: $localize`paused`,
  };

  constructor() {
    const destroy = inject(DestroyRef);
    const measuring = new ResizeObserver(([entry]) =>
      this.width.set(Math.floor(entry?.contentRect.width ?? 0)),
    );
    destroy.onDestroy(() => measuring.disconnect());
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const turned = () => this.dark.update((n) => n + 1);
    scheme.addEventListener('change', turned);
    destroy.onDestroy(() => scheme.removeEventListener('change', turned));
    afterRenderEffect((onCleanup) => {
      const room = this.room().nativeElement;
      measuring.observe(room);
      this.preferences.theme();
      this.dark();
      if (this.width() === 0) return;
      const chart = new uPlot(this.options(room), this.data(), room);
      onCleanup(() => chart.destroy());
    });
  }

  private data(): uPlot.AlignedData {
    const heights = stack(this.items());
    return [
      this.items().map(({ from }) => Date.parse(from) / 1000),
      ...downwards.map((part) => heights[part]),
    ];
  }

  private options(room: HTMLElement): uPlot.Options {
    const colour = (name: string) => getComputedStyle(room).getPropertyValue(name);
    const resolved = (name: string) => resolve(room, colour(name));
    const ground = resolved('--mat-sys-surface-container-low');
    const paths = uPlot.paths.bars?.({ size: [0.86, 72], align: 1 });
    const font = `12px ${getComputedStyle(room).fontFamily}`;
    const axis = { stroke: resolved('--mat-sys-on-surface-variant'), font, ticks: { show: false } };
    return {
      width: this.width(),
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: () => this.span() }, y: { range: () => [0, 100] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_, moments) => moments.map((at) => this.tick(at)),
          size: 26,
          splits: () => this.borders(),
        },
        {
          ...axis,
          grid: { stroke: resolved('--mat-sys-outline-variant'), width: 1 },
          values: (_, shares) => shares.map((share) => `${share} %`),
          size: 56,
        },
      ],
      series: [
        {},
        ...downwards.map((part): uPlot.Series => {
          const plain = resolved(colours[part]);
          const fill = part === 'unobserved' ? (chart: uPlot) => hatch(chart.ctx, plain, ground) : plain;
          return { fill, width: 0, points: { show: false }, ...(paths && { paths }) };
        }),
      ],
    };
  }

  private span(): [number, number] {
    const items = this.items();
    return [Date.parse(items[0]?.from ?? '') / 1000, Date.parse(items.at(-1)?.to ?? '') / 1000];
  }

  // The begins of the steps, as many as have room to be named.
  private borders(): number[] {
    const begins = this.items().map(({ from }) => Date.parse(from) / 1000);
    const every = Math.ceil(begins.length / Math.max(1, Math.floor(this.width() / nameWidth)));
    return begins.filter((_, i) => i % every === 0);
  }

  private tick(at: number): string {
    const [from, to] = this.span();
    const moment = new Date(at * 1000);
    return to - from > 2 * 86_400 ? this.format.day(moment) : this.format.hourAndMinute(moment);
  }
}

// A canvas knows no light-dark(): what a colour is here and now is asked of an element.
function resolve(room: HTMLElement, colour: string): string {
  room.style.color = colour;
  const { color } = getComputedStyle(room);
  room.style.color = '';
  return color;
}

function hatch(context: CanvasRenderingContext2D, colour: string, ground: string): CanvasPattern | string {
  const tile = new OffscreenCanvas(hatchSize, hatchSize);
  const paint = tile.getContext('2d');
  if (!paint) return colour;
  paint.fillStyle = ground;
  paint.fillRect(0, 0, hatchSize, hatchSize);
  paint.strokeStyle = colour;
  paint.lineWidth = 2;
  for (const shift of [-hatchSize, 0, hatchSize]) {
    paint.moveTo(shift, hatchSize);
    paint.lineTo(shift + hatchSize, 0);
  }
  paint.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}
