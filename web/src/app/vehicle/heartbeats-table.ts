import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';

import { Api } from '../api/api';
import { Heartbeat, Vehicle } from '../api/shapes';
import { Clock } from '../live/clock';
import { Empty } from '../ui/empty';
import { Notice } from '../ui/notice';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { Heartbeats } from './heartbeats';

/** The heartbeats of a vehicle as the log holds them, newest first, by both clocks. */
@Component({
  selector: 'fb-heartbeats-table',
  imports: [Empty, MatButton, MatIcon, Notice, Skeleton],
  providers: [Heartbeats],
  templateUrl: './heartbeats-table.html',
  styles: `
    .frame {
      max-height: 480px;
      min-height: 160px;
      overflow: auto;
    }
    th {
      position: sticky;
      inset-block-start: 0;
      background: var(--mat-sys-surface-container-low);
    }
    td {
      white-space: nowrap;
    }
    .number {
      padding-inline-end: 24px;
    }
    .mark {
      margin-inline-end: 4px;
      padding: 0 6px;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 6px;
      font: var(--mat-sys-label-small);
    }
    .mark.buffered {
      border-style: dashed;
    }
  `,
})
export class HeartbeatsTable {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);
  protected readonly heartbeats = inject(Heartbeats);
  readonly vehicle = input.required<Vehicle>();

  private readonly vin = computed(() => this.vehicle().vin);
  protected readonly file = computed(() =>
    this.api.url(`/v1/vehicles/${encodeURIComponent(this.vin())}/heartbeats.csv`),
  );
  private readonly news = computed(() => `${this.vehicle().last_heartbeat_at} ${this.vehicle().heartbeats}`);
  protected readonly rows = computed(() => this.heartbeats.page()?.items.map((one) => this.row(one)));
  protected readonly completeFrom = computed(() => {
    const from = this.heartbeats.page()?.complete_from;
    return from ? this.format.moment(new Date(from)) : '';
  });

  constructor() {
    effect(() => {
      this.news();
      this.refresh();
    });
  }

  /** Reads them again. */
  refresh(): void {
    void this.heartbeats.read(untracked(this.vin));
  }

  private row(one: Heartbeat) {
    const received = new Date(one.received_at);
    const sent = one.sent_at ? new Date(one.sent_at) : undefined;
    const lateness = sent ? received.getTime() - sent.getTime() : 0;
    const length = this.format.duration(Math.abs(lateness));
    const now = new Date(untracked(this.clock.now));
    return {
      ...one,
      received: this.format.timeBeside(received, now),
      sent: sent ? this.format.timeBeside(sent, now) : '–',
      lateness: sent ? this.told(lateness, length) : '–',
    };
  }

  private told(lateness: number, length: string): string {
    if (Math.abs(lateness) < 1000) return $localize`${lateness}:milliseconds: ms`;
    return lateness > 0 ? length : $localize`${length}:length: early`;
  }
}
