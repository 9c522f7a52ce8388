import { Component, computed, inject, signal } from '@angular/core';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';

import { Clock } from '../live/clock';
import { Feed } from '../live/feed';
import { PresenceStrip } from '../ui/presence-strip';
import { Span, piecesOf, stretchesOf, unobservedTimes } from '../ui/strip-pieces';
import { periodsOf } from './outages';
import { PeriodsTable } from './periods-table';
import { VehicleStore } from './vehicle-store';

const hour = 3_600_000; // milliseconds
const blindAfter = 3_000; // milliseconds without a proof after which the time is called unobserved
const step = 5_000; // milliseconds by which the window moves, so that it does not fidget

/** A vehicle's presence over time: the strip, and the periods that it is made of. */
@Component({
  selector: 'fb-presence-card',
  imports: [MatButtonToggle, MatButtonToggleGroup, PeriodsTable, PresenceStrip],
  template: `
    <section class="fb-card whole" aria-labelledby="timeline">
      <div class="fb-row head">
        <h2 id="timeline" class="fb-spread" i18n>Presence over time</h2>
        <mat-button-toggle-group
          hideSingleSelectionIndicator
          aria-label="How far back"
          i18n-aria-label
          [value]="hours()"
          (change)="hours.set($event.value)"
        >
          <mat-button-toggle [value]="1" i18n>1 hour</mat-button-toggle>
          <mat-button-toggle [value]="24" i18n>24 hours</mat-button-toggle>
          <mat-button-toggle disabled disabledInteractive [title]="notYet" i18n>7 days</mat-button-toggle>
          <mat-button-toggle disabled disabledInteractive [title]="notYet" i18n>30 days</mat-button-toggle>
        </mat-button-toggle-group>
      </div>
      <fb-presence-strip [pieces]="pieces()" [window]="window()" />
    </section>
    <section class="fb-card">
      <fb-periods-table [vin]="store.vehicle()?.vin ?? ''" [periods]="periods()" />
    </section>
  `,
  styles: `
    :host {
      display: contents;
    }
    .whole {
      grid-column: 1 / -1;
    }
    .head {
      margin-bottom: 12px;
    }
  `,
})
export class PresenceCard {
  private readonly clock = inject(Clock);
  private readonly feed = inject(Feed);
  protected readonly store = inject(VehicleStore);

  protected readonly hours = signal(1);
  protected readonly notYet = $localize`The server does not yet tell of days that long ago`;

  private readonly end = computed(() => {
    const newest = Date.parse(this.store.vehicle()?.since ?? '') || 0;
    return Math.max(newest, Math.floor(this.clock.now() / step) * step);
  });
  private readonly stretches = computed(() => stretchesOf(this.store.transitions(), this.store.vehicle()));
  // Undefined while the server hears itself, so that nothing is worked out anew with every proof.
  private readonly blindSince = computed(() => {
    const proven = Date.parse(this.feed.observer()?.proven_until ?? '');
    return this.clock.now() - proven > blindAfter ? proven : undefined;
  });
  private readonly unobserved = computed(() => unobservedTimes(this.store.gaps(), this.blindSince()));

  protected readonly window = computed<Span>(() => ({
    from: this.end() - this.hours() * hour,
    to: this.end(),
  }));
  protected readonly pieces = computed(() => piecesOf(this.window(), this.stretches(), this.unobserved()));
  protected readonly periods = computed(() => periodsOf(this.stretches(), this.unobserved(), this.end()));
}
