import {
  Component,
  DestroyRef,
  computed,
  inject,
  linkedSignal,
  output,
  resource,
  signal,
} from '@angular/core';
import { MatButton } from '@angular/material/button';

import { Api } from '../api/api';
import { Clock } from '../live/clock';
import { samplesOf } from '../live/counts-history';
import { kept } from '../ui/kept';
import { Moment } from '../ui/moment';
import { Notice } from '../ui/notice';
import { ReachName, reaches } from '../ui/reach';
import { ReachToggle } from '../ui/reach-toggle';
import { Span } from '../ui/strip-pieces';
import { Format } from '../words/format';
import { shapeBox, shapeOf } from './counts-shape';
import { FleetStore } from './fleet-store';
import { windowOf } from './time-window';

const calm = 150; // milliseconds without a move after which the fleet of a moment is asked for
const ticks = 5; // moments named below the track

/** Moves the screen through time: how many were late and offline, and on it a slider for the moment that is shown. */
@Component({
  selector: 'fb-time-bar',
  imports: [MatButton, Moment, Notice, ReachToggle],
  templateUrl: './time-bar.html',
  styleUrl: './time-bar.scss',
  host: { role: 'group', '[attr.aria-label]': 'title', '[class.past]': 'store.past() !== undefined' },
})
export class TimeBar {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);
  protected readonly store = inject(FleetStore);
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** When the person wants to see no more of it. */
  readonly closed = output<void>();

  protected readonly title = $localize`Time`;
  protected readonly box = shapeBox;
  protected readonly name = signal<ReachName>('24h');
  protected readonly reach = computed(() => reaches[this.name()]);

  // Until then the slider reaches; it does not move on every second.
  private readonly until = computed(() => Math.ceil(this.clock.now() / this.reach().points));
  /** The time from one end of the slider to the other. It stays while the moment is in it: a track must not slip away. */
  protected readonly window = linkedSignal<
    { reach: ReachName; past: number | undefined; until: number },
    Span
  >({
    source: () => ({ reach: this.name(), past: this.store.past(), until: this.until() }),
    computation: ({ reach, past, until }, before) => {
      const held = before?.source.reach === reach && past !== undefined && isIn(past, before.value);
      return held ? before.value : windowOf(reaches[reach], past, until * reaches[reach].points);
    },
  });
  /** The moment under the slider, which is ahead of the one that is shown while it is dragged. */
  protected readonly chosen = linkedSignal(() => this.store.past() ?? this.window().to);
  protected readonly chosenText = computed(() =>
    this.chosen() >= this.clock.now() ? $localize`Now` : this.format.moment(new Date(this.chosen())),
  );

  protected readonly series = resource({
    params: () => ({ window: this.window(), reach: this.reach(), customer: this.store.query().customers }),
    loader: async ({ params: { window, reach, customer }, abortSignal: signal }) => {
      const from = new Date(window.from).toISOString();
      const to = new Date(window.to).toISOString();
      const [series, gaps] = await Promise.all([
        this.api.get('/v1/summary/series', { query: { from, to, step: reach.series, customer }, signal }),
        this.api.get('/v1/gaps', { signal }),
      ]);
      const unobserved = gaps.items.map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }));
      return { window, series, unobserved };
    },
  });
  private readonly told = kept(this.series);
  protected readonly shape = computed(() => {
    const told = this.told();
    return told && shapeOf(samplesOf(told.series), this.window());
  });
  /** What is not told: times that were not observed, and the time before there was a fleet, or before what is kept. */
  protected readonly veiled = computed(() => {
    const told = this.told();
    if (!told) return [];
    const first = samplesOf(told.series)[0]?.at ?? told.window.to;
    const veil = (span: Span, nothing: boolean) => ({ ...this.place(span), nothing });
    return [
      ...told.unobserved.map((span) => veil(span, false)),
      veil({ from: this.window().from, to: Math.min(first, this.window().to) }, true),
    ].filter(({ width }) => width > 0);
  });
  protected readonly ticks = computed(() => {
    const { from, to } = this.window();
    return Array.from({ length: ticks }, (_, i) => {
      const at = new Date(from + ((to - from) * i) / (ticks - 1));
      return to - from > reaches['24h'].length ? this.format.day(at) : this.format.hourAndMinute(at);
    });
  });

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  protected drag(at: number): void {
    this.chosen.set(at);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drop(at), calm);
  }

  protected drop(at: number): void {
    clearTimeout(this.timer);
    const live = at >= this.clock.now();
    this.store.change({ at: live ? '' : new Date(at).toISOString() }, true);
    if (live) this.chosen.set(this.window().to);
  }

  protected toLive(): void {
    this.store.change({ at: '' });
  }

  private place({ from, to }: Span): { left: number; width: number } {
    const window = this.window();
    const part = (at: number) =>
      (100 * (Math.min(Math.max(at, window.from), window.to) - window.from)) / (window.to - window.from);
    return { left: part(from), width: part(to) - part(from) };
  }
}

function isIn(at: number, { from, to }: Span): boolean {
  return at >= from && at <= to;
}
