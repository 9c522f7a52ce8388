import { Component, computed, inject, signal } from '@angular/core';

import { GridGroup, Presence } from '../api/shapes';
import { Feed } from '../live/feed';
import { FirstSteps } from '../ui/first-steps';
import { Notice } from '../ui/notice';
import { shortcutOf } from '../ui/shortcut';
import { CountsLine } from './counts-line';
import { FilterBar } from './filter-bar';
import { FleetStore } from './fleet-store';
import { Legend } from './grid/legend';
import { VehicleGrid } from './grid/vehicle-grid';
import { toggled } from './query';
import { Tiles } from './tiles';
import { TimeBar } from './time-bar';
import { VehicleTable } from './vehicle-table';
import { Wall } from './wall/wall';

/** The home page: every vehicle of every customer, now. */
@Component({
  selector: 'fb-fleet-page',
  imports: [
    CountsLine,
    FilterBar,
    FirstSteps,
    Legend,
    Notice,
    Tiles,
    TimeBar,
    VehicleGrid,
    VehicleTable,
    Wall,
  ],
  providers: [FleetStore],
  templateUrl: './fleet-page.html',
  styleUrl: './fleet-page.scss',
  host: { '(document:keydown)': 'press($event)' },
})
export class FleetPage {
  protected readonly store = inject(FleetStore);
  private readonly feed = inject(Feed);

  /** Nothing is registered at all: this is a first start. */
  protected readonly first = computed(
    () => this.feed.summary()?.vehicles === 0 && this.feed.summary()?.customers === 0,
  );

  protected readonly opened = signal(false);
  /** Whether one can move through time: asked for, or because the address says a moment. */
  protected readonly timed = computed(() => this.opened() || this.store.past() !== undefined);

  protected time(on: boolean): void {
    this.opened.set(on);
    if (!on) this.toLive();
  }

  protected press(event: KeyboardEvent): void {
    const act = { l: () => this.toLive(), t: () => this.time(!this.timed()) }[shortcutOf(event)];
    if (!act || this.store.wall()) return;
    event.preventDefault();
    act();
  }

  protected togglePresence(presence: Presence): void {
    this.store.change({ presences: toggled(this.store.query().presences, presence) });
  }

  protected chooseCustomer({ customer_id: id, customer_name: name }: GridGroup): void {
    this.store.named(id, name);
    this.store.change({ customers: toggled(this.store.query().customers, id) });
  }

  private toLive(): void {
    if (this.store.past() !== undefined) this.store.change({ at: '' });
  }
}
