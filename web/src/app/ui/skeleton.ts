import { Component, computed, input } from '@angular/core';

const widths = [92, 78, 86, 64]; // percent: lines of a text are not equally long

/** Lines where something is being loaded. They come after a moment, so that what is quick does not flicker. */
@Component({
  selector: 'fb-skeleton',
  template: `
    <span class="cdk-visually-hidden" i18n>Loading</span>
    @for (width of shown(); track $index) {
      <span class="line" [style.width.%]="width"></span>
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      justify-content: space-evenly;
      gap: 12px;
      animation: come 300ms 250ms both;
    }
    .line {
      height: 14px;
      border-radius: 7px;
      background: var(--mat-sys-surface-container-highest);
      animation: breathe 1.2s ease-in-out infinite alternate;
    }
    @keyframes come {
      from {
        opacity: 0;
      }
    }
    @keyframes breathe {
      to {
        opacity: 0.45;
      }
    }
  `,
  host: { role: 'status', 'aria-busy': 'true' },
})
export class Skeleton {
  /** How many lines; the height is that of the place it stands in. */
  readonly lines = input(3);
  protected readonly shown = computed(() =>
    Array.from({ length: this.lines() }, (_, i) => widths[i % widths.length] ?? 100),
  );
}
