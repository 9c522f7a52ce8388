import { Injectable, computed } from '@angular/core';

import { stored } from '../settings/preferences';
import { SortKey } from './query';

export type ColumnKey =
  | 'presence'
  | 'vin'
  | 'registration_number'
  | 'customer'
  | 'since'
  | 'last_heartbeat_at'
  | 'tags'
  | 'heartbeats'
  | 'policy';

/** A column of the table. */
export interface Column {
  key: ColumnKey;
  name: string;
  /** What a click on its head sorts by; undefined when nothing does. */
  sort?: SortKey;
  /** As a track of a CSS grid. */
  width: string;
}

/** The columns that there are, and those that the person at this browser wants to see. */
@Injectable({ providedIn: 'root' })
export class Columns {
  private readonly wanted = stored<ColumnKey[]>('fleetbeat.columns', [
    'presence',
    'vin',
    'registration_number',
    'customer',
    'since',
    'last_heartbeat_at',
  ]);

  readonly all: readonly Column[] = [
    { key: 'presence', name: $localize`Presence`, width: '92px' },
    { key: 'vin', name: $localize`VIN`, sort: 'vin', width: 'minmax(165px, 1.2fr)' },
    {
      key: 'registration_number',
      name: $localize`Registration`,
      sort: 'registration_number',
      width: 'minmax(92px, 0.6fr)',
    },
    { key: 'customer', name: $localize`Customer`, sort: 'customer', width: 'minmax(130px, 1.6fr)' },
    { key: 'since', name: $localize`Since`, sort: 'since', width: 'minmax(84px, 0.6fr)' },
    {
      key: 'last_heartbeat_at',
      name: $localize`Last heartbeat`,
      sort: 'last_heartbeat_at',
      width: 'minmax(110px, 0.7fr)',
    },
    { key: 'tags', name: $localize`Tags`, width: 'minmax(120px, 1fr)' },
    { key: 'heartbeats', name: $localize`Heartbeats`, width: '100px' },
    { key: 'policy', name: $localize`Policy`, width: '120px' },
  ];
  readonly shown = computed(() => this.all.filter((column) => this.wanted().includes(column.key)));
  readonly template = computed(() =>
    this.shown()
      .map((column) => column.width)
      .join(' '),
  );

  toggle(key: ColumnKey): void {
    const wanted = this.wanted();
    const now = wanted.includes(key) ? wanted.filter((other) => other !== key) : [...wanted, key];
    if (now.length > 0) this.wanted.set(now);
  }
}
