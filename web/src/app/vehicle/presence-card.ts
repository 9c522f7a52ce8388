import { Component, computed, effect, inject, input, model, untracked } from '@angular/core';

import { Api } from '../api/api';
import { Clock } from '../live/clock';
import { Feed } from '../live/feed';
import { Notice } from '../ui/notice';
import { PresenceStrip } from '../ui/presence-strip';
import { ReachName, reaches } from '../ui/reach';
import { ReachToggle } from '../ui/reach-toggle';
import { Span, piecesOf } from '../ui/strip-pieces';
import { Periods } from './periods';
import { PeriodsTable } from './periods-table';

const blindAfter = 3_000; // milliseconds without a proof after which the time is called unobserved
const step = 5_000; // milliseconds by which the window moves, so that it does not fidget

/** A vehicle's presence over time: the strip, and the periods that it is made of. */
@Component({
  selector: 'fb-presence-card',
  imports: [Notice, PeriodsTable, PresenceStrip, ReachToggle],
  providers: [Periods],
  template: `
    <section class="fb-card whole" aria-labelledby="timeline">
      <div class="fb-row head">
        <h2 id="timeline" class="fb-spread" i18n>Presence over time</h2>
        <fb-reach-toggle [(reach)]="reach" />
      </div>
      @if (periods.problem(); as problem) {
        <fb-notice [problem]="problem" [again]="false" />
      }
      <fb-presence-strip [pieces]="pieces()" [window]="window()" />
    </section>
    <section class="fb-card">
      <fb-periods-table [periods]="periods.periods()" [file]="file()" />
    </section>
  `,
  styles: `
    :host {
      display: contents;
    }
    .whole {
      grid-column: 1 / -1;
    }
    .head {
      margin-bottom: 12px;
    }
  `,
})
export class PresenceCard {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly feed = inject(Feed);
  protected readonly periods = inject(Periods);

  readonly vin = input.required<string>();
  readonly reach = model.required<ReachName>();

  private readonly length = computed(() => reaches[this.reach()].length);
  // Undefined while the server hears itself, so that nothing is worked out anew with every proof.
  private readonly blindSince = computed(() => {
    const proven = Date.parse(this.feed.observer()?.proven_until ?? '');
    return this.clock.now() - proven > blindAfter ? proven : undefined;
  });
  protected readonly window = computed<Span>(() => {
    const to = Math.floor(this.clock.now() / step) * step;
    return { from: to - this.length(), to };
  });
  protected readonly pieces = computed(() =>
    piecesOf(this.window(), this.periods.periods() ?? [], this.blindSince()),
  );
  protected readonly file = computed(() =>
    this.api.url(`/v1/vehicles/${encodeURIComponent(this.vin())}/connections.csv`, {
      from: new Date(this.window().from).toISOString(),
    }),
  );

  constructor() {
    effect(() => {
      const [vin, length] = [this.vin(), this.length()];
      untracked(() => this.periods.open(vin, length));
    });
  }
}
