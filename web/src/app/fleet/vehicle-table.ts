import { ListRange } from '@angular/cdk/collections';
import { CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
import {
  Component,
  DestroyRef,
  ElementRef,
  afterNextRender,
  computed,
  inject,
  viewChild,
} from '@angular/core';
import { takeUntilDestroyed, toSignal } from '@angular/core/rxjs-interop';
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

  private cursor = 0; // the row that has the keyboard, or will have it once it is there

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
  protected readonly noneLike = computed(() =>
    this.store.past() === undefined
      ? $localize`No vehicle is like that`
      : $localize`No vehicle was like that`,
  );
  protected readonly caption = computed(() => {
    const total = this.rows.total();
    if (total === undefined) return $localize`Vehicles`;
    if (total === 1) return $localize`1 vehicle`;
    return $localize`${this.format.count(total)}:count: vehicles`;
  });

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => {
      this.viewport()
        .renderedRangeStream.pipe(takeUntilDestroyed(destroyed))
        .subscribe((range) => this.keepFocus(range));
    });
  }

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

  protected focusin(): void {
    this.rows.hold(true);
    this.cursor = focusedRow() ?? this.cursor;
  }

  /** Arrows go from row to row, and bring into sight what is not. */
  protected step(event: Event, by: number): void {
    event.preventDefault();
    const last = Math.min(this.rows.total() ?? 0, mostRows) - 1;
    this.cursor = Math.min(last, Math.max(0, this.cursor + by));
    this.scrollToCursor();
    if (this.focusCursor()) return;
    this.focusViewport();
    this.focusWhenThere(performance.now() + patience);
  }

  // A row that was far away has to be fetched first. Meanwhile the keyboard stays in the table, unless it is taken elsewhere.
  private focusWhenThere(until: number): void {
    requestAnimationFrame((now) => {
      if (document.activeElement !== this.viewportElement() || this.focusCursor() || now > until) return;
      this.scrollToCursor();
      this.focusWhenThere(until);
    });
  }

  // A row that leaves the screen takes the focus along, out of the page.
  private keepFocus({ start, end }: ListRange): void {
    const index = focusedRow();
    if (index === undefined || !this.element.contains(document.activeElement)) return;
    if (index < start || index >= end) this.focusViewport();
  }

  private focusViewport(): void {
    this.viewportElement().focus({ preventScroll: true });
  }

  private viewportElement(): HTMLElement {
    return this.viewport().elementRef.nativeElement;
  }

  // A browser that scrolls to what gets the focus goes astray: rows are put in their place after they are made.
  private focusCursor(): boolean {
    const link = this.element.querySelector<HTMLElement>(`[data-index="${this.cursor}"] a`);
    link?.focus({ preventScroll: true });
    return link !== null;
  }

  private scrollToCursor(): void {
    const viewport = this.viewport();
    const height = this.rowHeight();
    const top = this.cursor * height;
    const offset = viewport.measureScrollOffset();
    const room = viewport.getViewportSize() - height;
    if (top < offset) viewport.scrollToOffset(top);
    else if (top > offset + room) viewport.scrollToOffset(top - room);
  }

  protected pageSize(): number {
    return Math.max(1, Math.floor(this.viewport().getViewportSize() / this.rowHeight()) - 1);
  }
}

function focusedRow(): number | undefined {
  const index = document.activeElement?.closest<HTMLElement>('[data-index]')?.dataset['index'];
  return index === undefined ? undefined : Number(index);
}
