import { Component, computed, inject, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { Gap } from '../api/shapes';
import { Clock } from '../live/clock';
import { Feed } from '../live/feed';
import { Format } from '../words/format';
import { gapReason } from '../words/gap';

const recent = 10 * 60_000; // milliseconds after a gap in which it is still told
const blindAfter = 3_000; // milliseconds without a proof after which the server is called blind

/** Tells while the server cannot prove that it listens, and for a while after. */
@Component({
  selector: 'fb-blind-banner',
  imports: [MatButton],
  template: `
    @if (blindSince(); as since) {
      <div class="banner now" role="alert">
        <strong i18n>Fleetbeat is blind.</strong>
        <span i18n
          >It cannot prove since {{ since }} that it listens. Presence stands still until it can; nobody goes
          offline for it.</span
        >
      </div>
    } @else if (pastGap(); as gap) {
      <div class="banner" role="status">
        <span>{{ story(gap) }}</span>
        <button matButton type="button" (click)="dismissed.set(gap.position)" i18n>Dismiss</button>
      </div>
    }
  `,
  styles: `
    .banner {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 12px;
      padding: 8px var(--fb-gutter);
      border-bottom: 1px solid var(--mat-sys-outline-variant);
      background: repeating-linear-gradient(
        -45deg,
        var(--mat-sys-surface-container-high) 0 8px,
        var(--mat-sys-surface-container) 8px 16px
      );
    }
    .now {
      border-bottom: 3px solid var(--mat-sys-on-surface);
    }
    button {
      margin-inline-start: auto;
    }
  `,
})
export class BlindBanner {
  private readonly feed = inject(Feed);
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);
  protected readonly dismissed = signal(0); // position of the gap

  protected readonly blindSince = computed(() => {
    const observer = this.feed.observer();
    if (!observer?.proven_until || this.feed.state() !== 'live') return '';
    const proven = Date.parse(observer.proven_until);
    if (observer.listening && this.clock.now() - proven < blindAfter) return '';
    return this.format.time(new Date(proven));
  });

  protected readonly pastGap = computed(() => {
    const gap = this.feed.observer()?.last_gap;
    if (!gap || gap.position === this.dismissed()) return undefined;
    return this.clock.now() - Date.parse(gap.to) < recent ? gap : undefined;
  });

  protected story(gap: Gap): string {
    const from = this.format.time(new Date(gap.from));
    const to = this.format.time(new Date(gap.to));
    return $localize`Unobserved from ${from}:from: to ${to}:to: (${gapReason(gap.reason)}:reason:). Nobody was called late or offline for that time.`;
  }
}
