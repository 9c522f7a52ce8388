import { Component, computed, inject, input } from '@angular/core';

import { Clock } from '../live/clock';
import { Format } from '../words/format';

/** How long ago a moment was, ticking by itself, or how long before another one; the moment itself is its title. */
@Component({
  selector: 'fb-ago',
  template: `<time [attr.datetime]="at()" [title]="exact()">{{ text() }}</time>`,
})
export class Ago {
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);

  /** RFC 3339; null when it never was. */
  readonly at = input.required<string | null>();
  /** Whether to say the two largest units, not one. */
  readonly long = input(false);

  /** Milliseconds since 1970 from which to look back; undefined for now. */
  readonly from = input<number>();

  protected readonly exact = computed(() => {
    const at = this.at();
    return at ? this.format.moment(new Date(at)) : '';
  });
  protected readonly text = computed(() => {
    const at = this.at();
    if (!at) return $localize`never`;
    const from = this.from();
    const length = (from ?? this.clock.now()) - Date.parse(at);
    const age = this.long() ? this.format.duration(length) : this.format.shortDuration(length);
    return from === undefined ? $localize`${age}:age: ago` : $localize`${age}:age: earlier`;
  });
}

/** A moment with its date and zone. */
@Component({
  selector: 'fb-moment',
  template: `<time [attr.datetime]="at()">{{ text() }}</time>`,
})
export class Moment {
  private readonly format = inject(Format);
  readonly at = input.required<string | null>();
  protected readonly text = computed(() => {
    const at = this.at();
    return at ? this.format.moment(new Date(at)) : '–';
  });
}
