import { CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
import { Component, ElementRef, computed, inject, viewChild } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { BreakpointObserver } from '@angular/cdk/layout';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { Router, RouterLink } from '@angular/router';
import { map } from 'rxjs';

import { Policy, Vehicle } from '../api/shapes';
import { Preferences } from '../settings/preferences';
import { Ago } from '../ui/moment';
import { Empty } from '../ui/empty';
import { Notice } from '../ui/notice';
import { PresenceMark } from '../ui/presence-mark';
import { Format } from '../words/format';
import { Column, Columns } from './columns';
import { FleetStore } from './fleet-store';
import { Sort } from './query';
import { Row, VehicleRows, mostRows } from './vehicle-rows';

const patience = 5_000; // milliseconds in which a row is fetched

/** Every vehicle that the query finds, a row each, in one long list. */
@Component({
  selector: 'fb-vehicle-table',
  imports: [
    Ago,
    CdkFixedSizeVirtualScroll,
    CdkVirtualForOf,
    CdkVirtualScrollViewport,
    Empty,
    MatButton,
    MatIcon,
    MatIconButton,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    Notice,
    PresenceMark,
    RouterLink,
  ],
  providers: [VehicleRows],
  templateUrl: './vehicle-table.html',
  styleUrl: './vehicle-table.scss',
  host: { '[style.--columns]': 'columns.template()' },
})
export class VehicleTable {
  protected readonly store = inject(FleetStore);
  protected readonly rows = inject(VehicleRows);
  protected readonly columns = inject(Columns);
  protected readonly format = inject(Format);
  private readonly preferences = inject(Preferences);
  private readonly router = inject(Router);
  private readonly element: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly viewport = viewChild.required(CdkVirtualScrollViewport);

  /** A phone has no room for columns: a row has two lines. */
  protected readonly narrow = toSignal(
    inject(BreakpointObserver)
      .observe('(width <= 700px)')
      .pipe(map((found) => found.matches)),
    { initialValue: false },
  );
  protected readonly rowHeight = computed(() => {
    if (this.narrow()) return 60;
    return this.preferences.density() === 'compact' ? 32 : 44;
  });
  protected readonly beyond = computed(() => Math.max(0, (this.rows.total() ?? 0) - mostRows));
  protected readonly caption = computed(() => {
    const total = this.rows.total();
    if (total === undefined) return $localize`Vehicles`;
    if (total === 1) return $localize`1 vehicle`;
    return $localize`${this.format.count(total)}:count: vehicles`;
  });

  protected readonly track = (index: number, row: Row) => row?.vin ?? index;

  protected order(column: Column): 'ascending' | 'descending' | 'none' {
    const sort = this.store.query().sort;
    if (sort.replace(/^-/, '') !== column.sort) return 'none';
    return sort.startsWith('-') ? 'descending' : 'ascending';
  }

  // Times come newest first at the first click, because that is what one looks for.
  protected sortBy(column: Column): void {
    if (!column.sort) return;
    const times = column.sort === 'since' || column.sort === 'last_heartbeat_at';
    const [first, second]: Sort[] = times
      ? [`-${column.sort}`, column.sort]
      : [column.sort, `-${column.sort}`];
    this.store.change({ sort: (this.store.query().sort === first ? second : first) ?? 'vin' });
    this.viewport().scrollToIndex(0);
  }

  protected policy({ late_after, offline_after }: Policy): string {
    return `${this.format.duration(late_after * 1000)} / ${this.format.duration(offline_after * 1000)}`;
  }

  protected open(vehicle: Vehicle, event: MouseEvent): void {
    if (event.target instanceof Element && event.target.closest('a')) return; // the link does it
    void this.router.navigate(['/vehicles', vehicle.vin]);
  }

  protected focusout(event: FocusEvent): void {
    if (!(event.relatedTarget instanceof Node) || !this.element.contains(event.relatedTarget))
      this.rows.hold(false);
  }

  /** Arrows go from row to row, and bring into sight what is not. */
  protected step(event: Event, by: number): void {
    const row = document.activeElement?.closest<HTMLElement>('[data-index]');
    if (!row) return;
    event.preventDefault();
    const last = Math.min(this.rows.total() ?? 0, mostRows) - 1;
    const index = Math.min(last, Math.max(0, Number(row.dataset['index']) + by));
    if (!this.focusRow(index)) {
      this.viewport().scrollToIndex(index);
      this.focusWhenThere(index, performance.now() + patience);
    }
  }

  // A row that was far away has to be fetched first; who was in another row meanwhile is in none.
  private focusWhenThere(index: number, until: number): void {
    requestAnimationFrame((now) => {
      const elsewhere =
        document.activeElement !== document.body && !this.element.contains(document.activeElement);
      if (elsewhere || this.focusRow(index) || now > until) return;
      this.focusWhenThere(index, until);
    });
  }

  private focusRow(index: number): boolean {
    const link = this.element.querySelector<HTMLElement>(`[data-index="${index}"] a`);
    link?.focus();
    return link !== null;
  }

  protected pageSize(): number {
    return Math.max(1, Math.floor(this.viewport().getViewportSize() / this.rowHeight()) - 1);
  }
}
