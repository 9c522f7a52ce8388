import { Component, computed, inject } from '@angular/core';

import { GridGroup, Presence } from '../api/shapes';
import { Feed } from '../live/feed';
import { FirstSteps } from '../ui/first-steps';
import { Notice } from '../ui/notice';
import { CountsLine } from './counts-line';
import { FilterBar } from './filter-bar';
import { FleetStore } from './fleet-store';
import { Legend } from './grid/legend';
import { VehicleGrid } from './grid/vehicle-grid';
import { toggled } from './query';
import { Tiles } from './tiles';
import { VehicleTable } from './vehicle-table';
import { Wall } from './wall/wall';

/** The home page: every vehicle of every customer, now. */
@Component({
  selector: 'fb-fleet-page',
  imports: [CountsLine, FilterBar, FirstSteps, Legend, Notice, Tiles, VehicleGrid, VehicleTable, Wall],
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

  protected chooseCustomer({ customer_id: id, customer_name: name }: GridGroup): void {
    this.store.named(id, name);
    this.store.change({ customers: toggled(this.store.query().customers, id) });
  }
}
