import { Component, computed, input } from '@angular/core';

import { Presence } from '../api/shapes';
import { presenceMeaning, presenceName } from '../words/presence';

/** The shape of each presence in a box of 16: nobody has to tell them by colour. */
const shapes: Record<Presence, string> = {
  online: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z',
  late: 'M8 1.5 15 14H1Z',
  offline:
    'M2 2h12v12H2ZM5.2 4.1 4.1 5.2 6.9 8l-2.8 2.8 1.1 1.1L8 9.1l2.8 2.8 1.1-1.1L9.1 8l2.8-2.8-1.1-1.1L8 6.9Z',
  unknown: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z',
  paused: 'M3 2h4v12H3Zm6 0h4v12H9Z',
};

/** A presence as a shape in its colour, with its word unless told otherwise. */
@Component({
  selector: 'fb-presence-mark',
  template: `
    <svg viewBox="0 0 16 16" width="1em" height="1em" aria-hidden="true">
      <path [attr.d]="shape()" fill-rule="evenodd" />
    </svg>
    @if (!bare()) {
      <span class="word">{{ name() }}</span>
    } @else {
      <span class="cdk-visually-hidden">{{ name() }}</span>
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 0.4em;
      white-space: nowrap;
    }
    svg {
      flex: none;
      fill: var(--fill);
    }
    .word {
      color: var(--ink);
    }
  `,
  host: {
    '[style.--fill]': '"var(--fb-" + presence() + ")"',
    '[style.--ink]': '"var(--fb-" + presence() + "-ink)"',
    '[title]': 'meaning()',
  },
})
export class PresenceMark {
  readonly presence = input.required<Presence>();
  /** Whether the word is left to screen readers. */
  readonly bare = input(false);
  protected readonly shape = computed(() => shapes[this.presence()]);
  protected readonly name = computed(() => presenceName(this.presence()));
  protected readonly meaning = computed(() => presenceMeaning(this.presence()));
}
