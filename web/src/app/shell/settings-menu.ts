import { Component, inject } from '@angular/core';
import { MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';

import { API_BASE } from '../api/api';
import { Density, Preferences, Theme } from '../settings/preferences';

/** How the person at this browser likes the page. */
@Component({
  selector: 'fb-settings-menu',
  imports: [MatIcon, MatIconButton, MatMenu, MatMenuItem, MatMenuTrigger],
  template: `
    <button matIconButton type="button" [matMenuTriggerFor]="menu" aria-label="Settings" i18n-aria-label>
      <mat-icon svgIcon="settings" />
    </button>
    <mat-menu #menu="matMenu">
      @for (theme of themes; track theme.value) {
        <button
          mat-menu-item
          role="menuitemradio"
          [attr.aria-checked]="preferences.theme() === theme.value"
          (click)="preferences.theme.set(theme.value)"
        >
          {{ mark(preferences.theme() === theme.value) }} {{ theme.name }}
        </button>
      }
      <hr />
      @for (density of densities; track density.value) {
        <button
          mat-menu-item
          role="menuitemradio"
          [attr.aria-checked]="preferences.density() === density.value"
          (click)="preferences.density.set(density.value)"
        >
          {{ mark(preferences.density() === density.value) }} {{ density.name }}
        </button>
      }
      <hr />
      <button
        mat-menu-item
        role="menuitemcheckbox"
        [attr.aria-checked]="preferences.utc()"
        (click)="preferences.utc.set(!preferences.utc())"
      >
        {{ mark(preferences.utc()) }} <ng-container i18n>Times in UTC</ng-container>
      </button>
      <hr />
      <button
        mat-menu-item
        role="menuitemradio"
        lang="en"
        [attr.aria-checked]="preferences.language === 'en'"
        (click)="preferences.speak('en')"
      >
        {{ mark(preferences.language === 'en') }} English
      </button>
      <button
        mat-menu-item
        role="menuitemradio"
        lang="sv"
        [attr.aria-checked]="preferences.language === 'sv'"
        (click)="preferences.speak('sv')"
      >
        {{ mark(preferences.language === 'sv') }} Svenska
      </button>
      <hr />
      <a mat-menu-item [href]="docs" i18n>The API</a>
    </mat-menu>
  `,
  styles: `
    hr {
      margin: 4px 0;
      border: 0;
      border-top: 1px solid var(--mat-sys-outline-variant);
    }
  `,
})
export class SettingsMenu {
  protected readonly preferences = inject(Preferences);
  protected readonly docs = inject(API_BASE) + '/docs';

  protected readonly themes: { value: Theme; name: string }[] = [
    { value: 'system', name: $localize`As the system` },
    { value: 'light', name: $localize`Light` },
    { value: 'dark', name: $localize`Dark` },
  ];
  protected readonly densities: { value: Density; name: string }[] = [
    { value: 'comfortable', name: $localize`Comfortable` },
    { value: 'compact', name: $localize`Compact` },
  ];

  protected mark(chosen: boolean): string {
    return chosen ? '✓' : ' ';
  }
}
