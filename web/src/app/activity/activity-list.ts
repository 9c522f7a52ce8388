import { LiveAnnouncer } from '@angular/cdk/a11y';
import { CdkFixedSizeVirtualScroll, CdkVirtualForOf, CdkVirtualScrollViewport } from '@angular/cdk/scrolling';
import { Component, DestroyRef, computed, inject, signal, viewChild } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';

import { Gap, Transition } from '../api/shapes';
import { Clock } from '../live/clock';
import { Preferences } from '../settings/preferences';
import { PresenceMark } from '../ui/presence-mark';
import { Format } from '../words/format';
import { gapReason } from '../words/gap';
import { ActivityStore } from './activity-store';
import { Entry } from './entries';

const announceEvery = 15_000; // milliseconds

/** The rows. It stands still while somebody points at it, works in it or has scrolled down: what is new then waits. */
@Component({
  selector: 'fb-activity-list',
  imports: [
    CdkFixedSizeVirtualScroll,
    CdkVirtualForOf,
    CdkVirtualScrollViewport,
    MatButton,
    PresenceMark,
    RouterLink,
  ],
  templateUrl: './activity-list.html',
  styleUrl: './activity-list.scss',
})
export class ActivityList {
  private readonly announcer = inject(LiveAnnouncer);
  private readonly clock = inject(Clock);
  private readonly preferences = inject(Preferences);
  private readonly viewport = viewChild.required(CdkVirtualScrollViewport);
  protected readonly format = inject(Format);
  protected readonly store = inject(ActivityStore);

  private readonly pointed = signal(false);
  private readonly focused = signal(false);
  private readonly down = signal(false);
  private arrived = 0; // since it was last announced
  private wentOffline = 0;

  /** Of the stylesheet's --fb-row-height. */
  protected readonly rowHeight = computed(() => (this.preferences.density() === 'compact' ? 32 : 44));

  constructor() {
    const end = this.store.onArrival((fresh) => this.count(fresh));
    const timer = setInterval(() => this.announce(), announceEvery);
    inject(DestroyRef).onDestroy(() => {
      end();
      clearInterval(timer);
      this.store.hold(false);
    });
  }

  protected readonly track = (_: number, entry: Entry) => entry.key;

  protected point(pointed: boolean): void {
    this.pointed.set(pointed);
    this.hold();
  }

  // The list itself has the focus when somebody scrolls it by keys or pauses it; a row has it when somebody works in it.
  protected focus(event: FocusEvent): void {
    const target = event.type === 'focusin' ? event.target : event.relatedTarget;
    const list = event.currentTarget as HTMLElement;
    this.focused.set(target instanceof Node && target !== list && list.contains(target));
    this.hold();
  }

  protected scrolled(): void {
    const down = this.viewport().measureScrollOffset('top') > 4;
    if (down === this.down()) return;
    this.down.set(down);
    this.hold();
  }

  protected toNew(): void {
    this.viewport().scrollToIndex(0);
    this.store.showWaiting();
  }

  protected space(event: Event): void {
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    this.store.pause(!this.store.paused());
  }

  protected exactTime(at: string): string {
    return this.format.exactTimeBeside(new Date(at), new Date(this.clock.precise()));
  }

  protected time(at: string): string {
    return this.format.timeBeside(new Date(at), new Date(this.clock.precise()));
  }

  protected moment(at: string): string {
    return this.format.moment(new Date(at));
  }

  protected story(gap: Gap): string {
    const now = new Date(this.clock.precise());
    const from = this.format.timeBeside(new Date(gap.from), now);
    const to = this.format.timeBeside(new Date(gap.to), now);
    return $localize`Unobserved from ${from}:from: to ${to}:to: · ${gapReason(gap.reason)}:reason:`;
  }

  private hold(): void {
    this.store.hold(this.pointed() || this.focused() || this.down());
  }

  private count(fresh: readonly Transition[]): void {
    this.arrived += fresh.length;
    this.wentOffline += fresh.filter(({ to }) => to === 'offline').length;
  }

  private announce(): void {
    if (this.arrived > 0 && !this.store.paused()) {
      const all = this.format.count(this.arrived);
      const offline = this.format.count(this.wentOffline);
      void this.announcer.announce($localize`${all}:all: changes, ${offline}:offline: to offline`, 'polite');
    }
    this.arrived = this.wentOffline = 0;
  }
}
