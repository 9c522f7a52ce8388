import { LiveAnnouncer } from '@angular/cdk/a11y';
import { Component, computed, effect, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { filter, map } from 'rxjs';

import { BlindBanner } from './blind-banner';
import { Connection } from '../ui/connection';
import { SettingsMenu } from './settings-menu';

/** The frame of every screen: where one can go, how the page stands with the server, and whether the server is blind. */
@Component({
  selector: 'fb-root',
  imports: [
    BlindBanner,
    Connection,
    MatButton,
    MatIcon,
    RouterLink,
    RouterLinkActive,
    RouterOutlet,
    SettingsMenu,
  ],
  templateUrl: './shell.html',
  styleUrl: './shell.scss',
  host: { '[class.wall]': 'wall()' },
})
export class Shell {
  private readonly router = inject(Router);
  private readonly url = toSignal(
    this.router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map((event) => event.urlAfterRedirects),
    ),
    { initialValue: '' },
  );

  constructor() {
    const announcer = inject(LiveAnnouncer);
    let path: string | undefined;
    effect(() => {
      const now = this.url().replace(/[?#].*/, '');
      if (path && now !== path) {
        // The link that was followed may be gone with its screen; then whoever goes by keys begins at the new one.
        if (document.activeElement === document.body) this.toContent();
        void announcer.announce(document.title);
      }
      path = now;
    });
  }

  /** The wall display has the screen to itself. */
  protected readonly wall = computed(() => 'wall' in this.router.parseUrl(this.url()).queryParams);

  protected toContent(): void {
    document.getElementById('content')?.focus();
  }
}
