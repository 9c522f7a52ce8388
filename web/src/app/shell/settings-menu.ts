import { Component, inject } from '@angular/core';
import { MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';

import { API_BASE } from '../api/api';
import { Language } from '../settings/language';
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
      <div role="group" aria-label="Colours" i18n-aria-label>
        @for (theme of themes; track theme.value) {
          @let chosen = preferences.theme() === theme.value;
          <button
            mat-menu-item
            role="menuitemradio"
            [attr.aria-checked]="chosen"
            (click)="preferences.theme.set(theme.value)"
          >
            <mat-icon svgIcon="check" [class.no]="!chosen" />{{ theme.name }}
          </button>
        }
      </div>
      <hr />
      <div role="group" aria-label="Density" i18n-aria-label>
        @for (density of densities; track density.value) {
          @let chosen = preferences.density() === density.value;
          <button
            mat-menu-item
            role="menuitemradio"
            [attr.aria-checked]="chosen"
            (click)="preferences.density.set(density.value)"
          >
            <mat-icon svgIcon="check" [class.no]="!chosen" />{{ density.name }}
          </button>
        }
      </div>
      <hr />
      <button
        mat-menu-item
        role="menuitemcheckbox"
        [attr.aria-checked]="preferences.utc()"
        (click)="preferences.utc.set(!preferences.utc())"
      >
        <mat-icon svgIcon="check" [class.no]="!preferences.utc()" />
        <ng-container i18n>Times in UTC</ng-container>
      </button>
      <hr />
      <div role="group" aria-label="Language" i18n-aria-label>
        @for (language of languages; track language.value) {
          @let chosen = preferences.language === language.value;
          <button
            mat-menu-item
            role="menuitemradio"
            [lang]="language.value"
            [attr.aria-checked]="chosen"
            (click)="preferences.speak(language.value)"
          >
            <mat-icon svgIcon="check" [class.no]="!chosen" />{{ language.name }}
          </button>
        }
      </div>
      <hr />
      <a mat-menu-item [href]="docs"><mat-icon svgIcon="api" /><ng-container i18n>The API</ng-container></a>
    </mat-menu>
  `,
  styles: `
    hr {
      margin: 4px 0;
      border: 0;
      border-top: 1px solid var(--mat-sys-outline-variant);
    }
    .no {
      visibility: hidden;
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
  // Each in its own language, so that it is found by whom it is for.
  protected readonly languages: { value: Language; name: string }[] = [
    { value: 'en', name: 'English' },
    { value: 'sv', name: 'Svenska' },
  ];
}
