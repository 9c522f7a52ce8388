import { Component, computed, inject } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { Clock } from '../live/clock';
import { ConnectionState, Feed } from '../live/feed';
import { Format } from '../words/format';

/** How the page stands with the server, always in sight. */
@Component({
  selector: 'fb-connection',
  imports: [MatButton],
  template: `
    <span class="state" role="status" [attr.data-state]="state()" [title]="title()">
      <span class="dot" aria-hidden="true"></span>{{ text() }}
    </span>
    @if (broken()) {
      <span class="fb-soft since">{{ since() }}</span>
      <button matButton type="button" (click)="feed.reopen()" i18n>Try now</button>
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 8px;
      white-space: nowrap;
    }
    .state {
      display: inline-flex;
      align-items: center;
      gap: 8px;
      font: var(--mat-sys-label-large);
      font-size: var(--fb-connection-size, 14px);
    }
    .dot {
      box-sizing: border-box;
      width: 0.7em;
      height: 0.7em;
      border: 2px solid currentcolor;
      border-radius: 50%;
    }
    [data-state='live'] .dot {
      background: currentcolor;
    }
    [data-state='reconnecting'],
    [data-state='stale'] {
      padding: 4px 10px;
      border-radius: 8px;
      background: var(--mat-sys-inverse-surface);
      color: var(--mat-sys-inverse-on-surface);
    }
    [data-state='resynchronising'] .dot,
    [data-state='reconnecting'] .dot {
      animation: pulse 1s ease-in-out infinite alternate;
    }
    @keyframes pulse {
      to {
        opacity: 0.2;
      }
    }
    @media (width <= 700px) {
      .since {
        display: none;
      }
    }
  `,
})
export class Connection {
  protected readonly feed = inject(Feed);
  private readonly clock = inject(Clock);
  private readonly format = inject(Format);

  protected readonly state = this.feed.state;
  protected readonly broken = computed(() => this.state() === 'reconnecting' || this.state() === 'stale');
  protected readonly text = computed(() => stateName(this.state()));
  protected readonly title = computed(() => stateMeaning(this.state()));
  protected readonly since = computed(() => {
    const silence = (this.clock.now(), Date.now() - this.feed.lastHeard());
    const age = this.format.duration(silence);
    return $localize`what is shown is ${age}:age: old`;
  });
}

function stateName(state: ConnectionState): string {
  switch (state) {
    case 'connecting':
      return $localize`connecting`;
    case 'live':
      return $localize`live`;
    case 'resynchronising':
      return $localize`resynchronising`;
    case 'reconnecting':
      return $localize`reconnecting`;
    case 'stale':
      return $localize`stale`;
  }
}

function stateMeaning(state: ConnectionState): string {
  switch (state) {
    case 'connecting':
      return $localize`The live stream is being opened`;
    case 'live':
      return $localize`What is shown is true as of a second ago`;
    case 'resynchronising':
      return $localize`What is shown is being fetched anew`;
    case 'reconnecting':
      return $localize`The live stream broke and is being opened again`;
    case 'stale':
      return $localize`The server has said nothing for a while`;
  }
}
