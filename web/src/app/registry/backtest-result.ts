import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { Backtest, BacktestOutages, BacktestSide } from '../api/shapes';
import { Empty } from '../ui/empty';
import { Moment } from '../ui/moment';
import { Format } from '../words/format';

/** What a policy would have meant, beside what was. */
@Component({
  selector: 'fb-backtest-result',
  imports: [Empty, Moment, RouterLink],
  templateUrl: './backtest-result.html',
  styles: `
    h3 {
      margin: 16px 0 4px;
      font: var(--mat-sys-title-medium);
    }
    p {
      margin: 0 0 8px;
    }
    .figures {
      max-width: 48em;
    }
    th[scope='row'] {
      color: inherit;
      font: inherit;
    }
    td {
      white-space: nowrap;
    }
    .meaning {
      white-space: normal;
    }
  `,
})
export class BacktestResult {
  protected readonly format = inject(Format);
  readonly result = input.required<Backtest>();

  protected readonly rows = computed(() => {
    const { present, tested } = this.result();
    return [
      this.counted($localize`Outages`, present, tested, (side) => side.outages),
      this.lasted($localize`Time offline, of all vehicles together`, present.offline, tested.offline),
      this.counted($localize`Changes to late`, present, tested, (side) => side.transitions.late),
      this.counted($localize`Changes to online`, present, tested, (side) => side.transitions.online),
    ];
  });
  protected readonly kinds = computed(() => {
    const { same, later, earlier, missed, new: added } = this.result();
    return [
      this.kind('later', $localize`Found later`, $localize`The operator would have waited longer`, later),
      this.kind(
        'missed',
        $localize`Not found`,
        $localize`They ended before the policy would have spoken`,
        missed,
      ),
      this.kind(
        'earlier',
        $localize`Found earlier`,
        $localize`The operator would have known sooner`,
        earlier,
      ),
      this.kind('new', $localize`New`, $localize`Silences that were no outage, and would have been`, added),
      this.kind('same', $localize`Found at the same moment`, '', same),
    ];
  });
  protected readonly examples = computed(() =>
    this.kinds().flatMap(({ key, name, outages }) =>
      key === 'same'
        ? []
        : outages.examples.map((outage) => ({ ...outage, name, length: this.seconds(outage.lasted) })),
    ),
  );

  private counted(
    name: string,
    present: BacktestSide,
    tested: BacktestSide,
    of: (side: BacktestSide) => number,
  ) {
    const [before, after] = [of(present), of(tested)];
    return {
      name,
      present: this.format.count(before),
      tested: this.format.count(after),
      change: signed(after - before, this.format.count(Math.abs(after - before))),
    };
  }

  private lasted(name: string, present: number, tested: number) {
    return {
      name,
      present: this.seconds(present),
      tested: this.seconds(tested),
      change: signed(tested - present, this.seconds(Math.abs(tested - present))),
    };
  }

  private kind(key: string, name: string, meaning: string, outages: BacktestOutages) {
    const shifted = outages.outages > 0 && outages.longest_shift > 0;
    return {
      key,
      name,
      meaning,
      outages,
      count: this.format.count(outages.outages),
      shift: shifted ? this.seconds(outages.mean_shift) : '–',
      most: shifted ? this.seconds(outages.longest_shift) : '–',
    };
  }

  private seconds(length: number): string {
    return this.format.duration(length * 1000);
  }
}

function signed(difference: number, size: string): string {
  if (difference === 0) return '±0';
  return (difference > 0 ? '+' : '−') + size;
}
