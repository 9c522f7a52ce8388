import { Component, computed, effect, inject, input, resource, untracked } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';

import { Api } from '../../api/api';
import { Uptime, UptimeReport } from '../../api/shapes';
import { Clock } from '../../live/clock';
import { Feed } from '../../live/feed';
import { Preferences } from '../../settings/preferences';
import { Format } from '../../words/format';
import { Empty } from '../empty';
import { kept } from '../kept';
import { Notice } from '../notice';
import { ReachName, reaches } from '../reach';
import { Skeleton } from '../skeleton';
import { UptimeChart } from './uptime-chart';

const every = 60_000; // milliseconds between two readings

/** How long a vehicle, or a customer's vehicles together, were connected: a chart, and the figures that it shows. */
@Component({
  selector: 'fb-uptime-card',
  imports: [Empty, MatButton, MatIcon, Notice, Skeleton, UptimeChart],
  templateUrl: './uptime-card.html',
  styles: `
    :host {
      display: block;
    }
    .head {
      margin-bottom: 8px;
    }
    .chart {
      min-height: 220px;
    }
    td,
    tbody th {
      white-space: nowrap;
    }
    tbody th {
      color: inherit;
      font: inherit;
    }
    .total > * {
      font-weight: 500;
    }
    p {
      margin: 8px 0 0;
    }
  `,
})
export class UptimeCard {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly feed = inject(Feed);
  private readonly format = inject(Format);
  private readonly preferences = inject(Preferences);

  /** Whose uptime it is: a vehicle's VIN or a customer's id. */
  readonly of = input.required<{ vin: string } | { customer: string }>();
  readonly reach = input.required<ReachName>();

  protected readonly heading = 'fb-uptime';
  protected readonly label = $localize`Uptime, with its figures in the table below`;
  private readonly minute = computed(() => Math.floor(this.clock.now() / every));
  private readonly question = computed(() => {
    const { length, uptime: step } = reaches[this.reach()];
    const from = new Date(this.minute() * every - length).toISOString();
    return { from, step, zone: this.preferences.zone() };
  });
  private readonly path = computed(() => {
    const of = this.of();
    return 'vin' in of
      ? `/v1/vehicles/${encodeURIComponent(of.vin)}/uptime`
      : `/v1/customers/${encodeURIComponent(of.customer)}/uptime`;
  });
  protected readonly file = computed(() => this.api.url(`${this.path()}.csv`, this.question()));
  protected readonly report = resource({
    params: () => ({ of: this.of(), query: this.question() }),
    loader: ({ params: { of, query }, abortSignal: signal }): Promise<UptimeReport> =>
      'vin' in of
        ? this.api.get('/v1/vehicles/{vin}/uptime', { path: { vin: of.vin }, query, signal })
        : this.api.get('/v1/customers/{id}/uptime', { path: { id: of.customer }, query, signal }),
  });
  protected readonly known = kept(this.report);
  protected readonly availability = computed(() => shareOf(this.known()?.total, this.format));
  protected readonly rows = computed(() => {
    const known = this.known();
    if (!known) return [];
    return [...known.items.map((item) => this.row(item, false)), this.row(known.total, true)];
  });

  constructor() {
    effect(() => {
      this.feed.resyncs();
      untracked(() => this.report.reload());
    });
  }

  private row(item: Uptime, total: boolean) {
    const length = (seconds: number) => (seconds === 0 ? '–' : this.format.duration(seconds * 1000));
    return {
      key: total ? 'total' : item.from,
      total,
      name: total ? $localize`Together` : this.format.dayAndTime(new Date(item.from)),
      connected: length(item.connected),
      disconnected: length(item.disconnected),
      unobserved: length(item.unobserved),
      paused: length(item.paused),
      outages: this.format.count(item.outages),
      availability: shareOf(item, this.format) || '–',
    };
  }
}

// Empty when there was no time that counts.
function shareOf(item: Uptime | undefined, format: Format): string {
  if (!item || item.availability === null) return '';
  return format.share(item.connected, item.connected + item.disconnected);
}
