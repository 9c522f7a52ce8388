import { LiveAnnouncer } from '@angular/cdk/a11y';
import { Component, ElementRef, computed, effect, inject, input, resource, viewChild } from '@angular/core';

import { Presence } from '../../api/shapes';
import { GridCells } from '../../live/grid-cells';
import { PresenceMark } from '../../ui/presence-mark';
import { presenceName } from '../../words/presence';

/** A cell that somebody looks at. */
export interface SeenCell {
  index: number;
  epoch: number;
  presence: Presence;
  /** What the cell's group is called. */
  customer: string;
  /** How many vehicles share the cell, when more than one. */
  share: number;
}

/** Where a magnifier looks. */
export interface Lens {
  canvas: HTMLCanvasElement;
  /** The middle of a cell, in device pixels of the canvas. */
  x: number;
  y: number;
}

const lensSize = 17; // device pixels across that the magnifier shows

/** Names the vehicle of a cell, and shows what is around a cell that is too small to be seen well. */
@Component({
  selector: 'fb-cell-tip',
  imports: [PresenceMark],
  template: `
    @if (lens()) {
      <canvas #glass width="102" height="102" aria-hidden="true"></canvas>
    }
    <div class="words">
      @if (vehicle.hasValue() && vehicle.value(); as vehicle) {
        <b>{{ vehicle.vin }}</b>
        <span>{{ vehicle.registration_number }}</span>
      } @else {
        <b class="wait">…</b>
        <span>&nbsp;</span>
      }
      <span class="fb-soft customer">{{ cell().customer }}</span>
      <fb-presence-mark [presence]="cell().presence" />
      @if (cell().share > 1) {
        <span class="fb-soft" i18n>the worst of {{ cell().share }} in this cell</span>
      }
    </div>
  `,
  styles: `
    :host {
      display: flex;
      gap: 10px;
      box-sizing: border-box;
      max-width: 300px;
      padding: 8px 12px;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 8px;
      background: var(--mat-sys-surface-container-low);
      box-shadow: 0 2px 10px rgb(0 0 0 / 25%);
      font: var(--mat-sys-body-small);
      pointer-events: none;
    }
    canvas {
      flex: none;
      width: 102px;
      height: 102px;
      border-radius: 4px;
      background: var(--mat-sys-surface);
      image-rendering: pixelated;
    }
    .words {
      display: flex;
      flex-direction: column;
      min-width: 0;
    }
    b {
      font: var(--mat-sys-label-large);
    }
    .customer {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
  `,
})
export class CellTip {
  private readonly cells = inject(GridCells);
  private readonly announcer = inject(LiveAnnouncer);
  private readonly glass = viewChild<ElementRef<HTMLCanvasElement>>('glass');

  readonly cell = input.required<SeenCell>();
  /** Set where cells are too small to be seen well. */
  readonly lens = input<Lens | undefined>(undefined);

  private readonly place = computed(() => ({ index: this.cell().index, epoch: this.cell().epoch }), {
    equal: (a, b) => a.index === b.index && a.epoch === b.epoch,
  });
  protected readonly vehicle = resource({
    params: () => this.place(),
    loader: ({ params: { index, epoch }, abortSignal }) => this.cells.vehicleAt(index, epoch, abortSignal),
  });

  constructor() {
    effect(() => {
      const vehicle = this.vehicle.hasValue() ? this.vehicle.value() : undefined;
      if (!vehicle) return;
      const { customer, presence } = this.cell();
      void this.announcer.announce(
        [vehicle.vin, vehicle.registration_number, customer, presenceName(presence)].join(', '),
      );
    });
    effect(() => {
      const [glass, lens] = [this.glass()?.nativeElement.getContext('2d'), this.lens()];
      if (glass && lens) magnify(glass, lens);
    });
  }
}

function magnify(glass: CanvasRenderingContext2D, { canvas, x, y }: Lens): void {
  const { width, height } = glass.canvas;
  const step = width / lensSize;
  glass.imageSmoothingEnabled = false;
  glass.clearRect(0, 0, width, height);
  const half = Math.floor(lensSize / 2);
  glass.drawImage(canvas, x - half, y - half, lensSize, lensSize, 0, 0, width, height);
  glass.strokeStyle = getComputedStyle(glass.canvas).color;
  glass.lineWidth = 2;
  glass.strokeRect(half * step - 1, half * step - 1, step + 2, step + 2);
}
