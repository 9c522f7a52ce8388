import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';
import { MatIcon } from '@angular/material/icon';

import { Period } from '../api/shapes';
import { Clock } from '../live/clock';
import { Empty } from '../ui/empty';
import { PresenceMark } from '../ui/presence-mark';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { causeName, stateName } from '../words/state';

const perStep = 25;

/** A vehicle's connections and outages, newest first, with exact moments. */
@Component({
  selector: 'fb-periods-table',
  imports: [Empty, MatButton, MatButtonToggle, MatButtonToggleGroup, MatIcon, PresenceMark, Skeleton],
  templateUrl: './periods-table.html',
  styles: `
    td {
      white-space: nowrap;
    }
    .why {
      white-space: normal;
    }
    .what {
      display: inline-flex;
      gap: 8px;
      align-items: center;
    }
  `,
})
export class PeriodsTable {
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);
  /** Newest first; undefined until they are known. */
  readonly periods = input.required<readonly Period[] | undefined>();
  /** Where all of them are to be had as CSV. */
  readonly file = input.required<string>();

  private readonly most = signal(perStep);
  protected readonly nothing = $localize`Nothing is known of its past`;
  protected readonly noOutages = $localize`No outage is known`;
  protected readonly outagesOnly = signal(false);
  protected readonly found = computed(() =>
    this.periods()?.filter((period) => !this.outagesOnly() || period.presence === 'offline'),
  );
  protected readonly rows = computed(() =>
    this.found()
      ?.slice(0, this.most())
      .map((period) => this.row(period)),
  );

  protected showMore(): void {
    this.most.update((most) => most + 4 * perStep);
  }

  private row(period: Period) {
    const now = new Date(this.clock.now());
    const lasts = period === this.periods()?.[0];
    const length = lasts ? now.getTime() - Date.parse(period.from) : period.lasted * 1000;
    return {
      ...period,
      key: `${period.from} ${period.state}`,
      bare: period.state === 'unobserved' || period.state === 'unwatched' ? undefined : period.presence,
      what: stateName(period.state),
      why: causeName(period.cause),
      begin: this.format.timeBeside(new Date(period.from), now),
      end: lasts ? $localize`lasts` : this.format.timeBeside(new Date(period.to), now),
      exactEnd: lasts ? '' : period.to,
      length: this.format.duration(length),
    };
  }
}
