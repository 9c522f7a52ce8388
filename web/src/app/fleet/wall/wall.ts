import { Component, DestroyRef, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';

import { Clock } from '../../live/clock';
import { Feed } from '../../live/feed';
import { Connection } from '../../ui/connection';
import { Ago } from '../../ui/moment';
import { PresenceMark } from '../../ui/presence-mark';
import { shortcutOf } from '../../ui/shortcut';
import { Format } from '../../words/format';
import { presenceName, presences } from '../../words/presence';
import { FleetStore } from '../fleet-store';
import { VehicleGrid } from '../grid/vehicle-grid';
import { Outages } from './outages';
import { keepAwake } from './keep-awake';

const stillAfter = 3_000; // milliseconds without a pointer's move after which pointer and buttons are hidden

/** The fleet for a screen on a wall: to be read from five metres, without hands. */
@Component({
  selector: 'fb-wall',
  imports: [Ago, Connection, MatButton, PresenceMark, RouterLink, VehicleGrid],
  providers: [Outages],
  templateUrl: './wall.html',
  styleUrl: './wall.scss',
  host: {
    '[class.still]': 'still()',
    '(document:pointermove)': 'moved()',
    '(document:keydown)': 'key($event)',
  },
})
export class Wall {
  protected readonly store = inject(FleetStore);
  protected readonly outages = inject(Outages);
  protected readonly format = inject(Format);
  private readonly clock = inject(Clock);
  private readonly feed = inject(Feed);
  private readonly router = inject(Router);
  private timer: ReturnType<typeof setTimeout> | undefined;

  protected readonly presences = presences;
  protected readonly still = signal(false);
  protected readonly counts = this.store.counts;
  private readonly total = computed(() => {
    const counts = this.counts();
    return counts && presences.reduce((sum, presence) => sum + counts[presence], 0);
  });
  protected readonly share = computed(() => {
    const [counts, total] = [this.counts(), this.total()];
    return counts && total !== undefined ? this.format.share(counts.online, total) : '–';
  });
  protected readonly of = computed(() => {
    const total = this.total();
    return total === undefined
      ? $localize`online`
      : $localize`online of ${this.format.count(total)}:vehicles:`;
  });
  protected readonly filters = computed(() => {
    const { text, customers, presences, tags } = this.store.query();
    return [
      ...customers.map((id) => this.store.customerName(id)),
      ...presences.map(presenceName),
      ...tags,
      ...(text ? [`“${text}”`] : []),
    ].join(' · ');
  });
  protected readonly time = computed(() => this.format.time(new Date(this.clock.now())));
  protected readonly zone = computed(() => this.format.zoneName(new Date(this.clock.now())));

  /** The time that is shown, when it is not now. */
  protected readonly oldSince = computed(() => {
    const state = this.feed.state();
    if (state !== 'reconnecting' && state !== 'stale') return '';
    return this.format.time(new Date(this.feed.lastHeard()));
  });

  constructor() {
    const destroy = inject(DestroyRef);
    destroy.onDestroy(keepAwake());
    destroy.onDestroy(() => clearTimeout(this.timer));
    this.moved();
  }

  protected moved(): void {
    this.still.set(false);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.still.set(true), stillAfter);
  }

  protected key(event: KeyboardEvent): void {
    const key = shortcutOf(event);
    if (key === 'f') void this.toggleFullscreen();
    if (key === 'Escape') {
      void this.router.navigate(['/'], { queryParams: { wall: null }, queryParamsHandling: 'merge' });
    }
  }

  protected async toggleFullscreen(): Promise<void> {
    try {
      await (document.fullscreenElement
        ? document.exitFullscreen()
        : document.documentElement.requestFullscreen());
    } catch {
      // A browser may refuse; the wall fills the window all the same.
    }
  }
}
