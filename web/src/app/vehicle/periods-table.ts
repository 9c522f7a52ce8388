import { Component, computed, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';
import { MatIcon } from '@angular/material/icon';

import { Clock } from '../live/clock';
import { Empty } from '../ui/empty';
import { PresenceMark } from '../ui/presence-mark';
import { saveFile } from '../ui/save-file';
import { Format } from '../words/format';
import { presenceMeaning } from '../words/presence';
import { Period, periodsCsv } from './outages';

const perStep = 25;

/** A vehicle's connections and outages, newest first, with exact moments. */
@Component({
  selector: 'fb-periods-table',
  imports: [Empty, MatButton, MatButtonToggle, MatButtonToggleGroup, MatIcon, PresenceMark],
  template: `
    <div class="fb-row">
      <h2 class="fb-spread" i18n>Outages and connections</h2>
      <mat-button-toggle-group
        hideSingleSelectionIndicator
        aria-label="Which are shown"
        i18n-aria-label
        [value]="outagesOnly()"
        (change)="outagesOnly.set($event.value)"
      >
        <mat-button-toggle [value]="false" i18n>All</mat-button-toggle>
        <mat-button-toggle [value]="true" i18n>Outages</mat-button-toggle>
      </mat-button-toggle-group>
      <button
        matButton
        type="button"
        [disabled]="found().length === 0"
        title="Exact moments in UTC, as a file for spreadsheets"
        i18n-title
        (click)="save()"
      >
        <mat-icon svgIcon="download" /><ng-container i18n>Save as CSV</ng-container>
      </button>
    </div>
    @if (found().length > 0) {
      <div
        class="fb-scroll"
        tabindex="0"
        role="region"
        aria-label="Outages and connections, newest first"
        i18n-aria-label
      >
        <table class="fb-table">
          <thead>
            <tr>
              <th scope="col" i18n>What</th>
              <th scope="col" i18n>From</th>
              <th scope="col" i18n>To</th>
              <th scope="col" i18n>Length</th>
              @if (anyUnobserved()) {
                <th
                  scope="col"
                  title="While the server could not prove that it was listening"
                  i18n
                  i18n-title
                >
                  Unobserved
                </th>
              }
            </tr>
          </thead>
          <tbody>
            @for (row of rows(); track row.key) {
              <tr>
                <td>
                  <span class="what">
                    <fb-presence-mark [presence]="row.presence" [bare]="true" />{{ row.what }}
                  </span>
                </td>
                <td [title]="row.exactFrom">{{ row.from }}</td>
                <td [title]="row.exactTo">{{ row.to }}</td>
                <td>{{ row.length }}</td>
                @if (anyUnobserved()) {
                  <td>{{ row.unobserved }}</td>
                }
              </tr>
            }
          </tbody>
        </table>
      </div>
      @if (rows().length < found().length) {
        <button matButton type="button" (click)="showMore()" i18n>Show more</button>
      }
      <p class="fb-soft" i18n>
        A connection lasts until the vehicle is proven silent: being late does not end it.
      </p>
    } @else {
      <fb-empty [title]="outagesOnly() ? noOutages : nothing">
        <span i18n
          >Memory holds the newest changes of the whole fleet; what is older is in the log only.</span
        >
      </fb-empty>
    }
  `,
  styles: `
    td {
      white-space: nowrap;
    }
    .what {
      display: inline-flex;
      gap: 8px;
      align-items: center;
    }
    p {
      margin: 8px 0 0;
    }
  `,
})
export class PeriodsTable {
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);
  readonly vin = input.required<string>();
  readonly periods = input.required<readonly Period[]>();

  private readonly most = signal(perStep);
  protected readonly nothing = $localize`Nothing is known of its past`;
  protected readonly noOutages = $localize`No outage is known`;
  protected readonly outagesOnly = signal(false);
  protected readonly found = computed(() =>
    this.periods().filter((period) => !this.outagesOnly() || period.presence === 'offline'),
  );
  protected readonly anyUnobserved = computed(() => this.found().some(({ unobserved }) => unobserved > 0));
  protected readonly rows = computed(() =>
    this.found()
      .slice(0, this.most())
      .map((period) => this.row(period)),
  );

  protected showMore(): void {
    this.most.update((most) => most + 4 * perStep);
  }

  protected save(): void {
    const csv = periodsCsv(this.vin(), this.found(), this.clock.precise());
    saveFile(`${this.vin()}-connections.csv`, 'text/csv', csv);
  }

  private row({ presence, from, to, unobserved }: Period) {
    const now = this.clock.now();
    const time = (at: number) => this.format.timeBeside(new Date(at), new Date(now));
    return {
      key: `${from} ${presence} ${to === undefined}`,
      presence,
      what: nameOf(presence),
      from: from === undefined ? $localize`before what is known` : time(from),
      to: to === undefined ? $localize`lasts` : time(to),
      exactFrom: from === undefined ? '' : exact(from),
      exactTo: to === undefined ? '' : exact(to),
      length: from === undefined ? '–' : this.format.duration((to ?? now) - from),
      unobserved: unobserved > 0 ? this.format.duration(unobserved) : '–',
    };
  }
}

function exact(at: number): string {
  return new Date(at).toISOString();
}

function nameOf(presence: Period['presence']): string {
  if (presence === 'online') return $localize`connection`;
  if (presence === 'offline') return $localize`outage`;
  if (presence === 'paused') return $localize`paused`;
  return presenceMeaning(presence);
}
