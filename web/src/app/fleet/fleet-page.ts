import { Component, computed, inject } from '@angular/core';

import { Presence } from '../api/shapes';
import { Feed } from '../live/feed';
import { Notice } from '../ui/notice';
import { CountsLine } from './counts-line';
import { FilterBar } from './filter-bar';
import { FleetStore } from './fleet-store';
import { toggled } from './query';
import { Tiles } from './tiles';
import { VehicleTable } from './vehicle-table';

/** The home page: every vehicle of every customer, now. */
@Component({
  selector: 'fb-fleet-page',
  imports: [CountsLine, FilterBar, Notice, Tiles, VehicleTable],
  providers: [FleetStore],
  templateUrl: './fleet-page.html',
  styleUrl: './fleet-page.scss',
})
export class FleetPage {
  protected readonly store = inject(FleetStore);
  private readonly feed = inject(Feed);

  /** Nothing is registered at all: this is a first start. */
  protected readonly first = computed(
    () => this.feed.summary()?.vehicles === 0 && this.feed.summary()?.customers === 0,
  );

  protected togglePresence(presence: Presence): void {
    this.store.change({ presences: toggled(this.store.query().presences, presence) });
  }
}
