import { CdkTrapFocus } from '@angular/cdk/a11y';
import { CdkConnectedOverlay, CdkOverlayOrigin } from '@angular/cdk/overlay';
import { Component, computed, inject, signal } from '@angular/core';
import { FormsModule } from '@angular/forms';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatFormField } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';

import { stored } from '../settings/preferences';
import { FleetStore } from './fleet-store';
import { FleetQuery } from './query';

interface NamedView {
  name: string;
  query: FleetQuery;
}

const mostViews = 50;

/** Queries that the person at this browser gave a name. */
@Component({
  selector: 'fb-views-menu',
  imports: [
    CdkConnectedOverlay,
    CdkOverlayOrigin,
    CdkTrapFocus,
    FormsModule,
    MatButton,
    MatFormField,
    MatIcon,
    MatIconButton,
    MatInput,
  ],
  template: `
    <button
      matButton="outlined"
      type="button"
      cdkOverlayOrigin
      #origin="cdkOverlayOrigin"
      aria-haspopup="dialog"
      [attr.aria-expanded]="open()"
      (click)="open.set(true)"
    >
      <mat-icon svgIcon="bookmark" />
      {{ current()?.name ?? views }}
    </button>
    <ng-template
      cdkConnectedOverlay
      [cdkConnectedOverlayOrigin]="origin"
      [cdkConnectedOverlayOpen]="open()"
      [cdkConnectedOverlayHasBackdrop]="true"
      cdkConnectedOverlayBackdropClass="cdk-overlay-transparent-backdrop"
      (backdropClick)="open.set(false)"
      (detach)="open.set(false)"
    >
      <div
        class="panel"
        role="dialog"
        [attr.aria-label]="views"
        cdkTrapFocus
        [cdkTrapFocusAutoCapture]="true"
      >
        @for (view of named(); track view.name) {
          <div class="fb-row">
            <button matButton type="button" class="fb-spread" (click)="show(view)">
              {{ view.name }}
            </button>
            <button matIconButton type="button" (click)="forget(view)" [attr.aria-label]="forgetting(view)">
              <mat-icon svgIcon="remove" />
            </button>
          </div>
        } @empty {
          <p class="fb-soft" i18n>
            A view is what the filters show now, under a name of your own. It stays in this browser.
          </p>
        }
        <form class="fb-row" (submit)="keep($event)">
          <mat-form-field subscriptSizing="dynamic">
            <input
              matInput
              name="name"
              autocomplete="off"
              maxlength="60"
              [(ngModel)]="name"
              placeholder="Name of this view"
              i18n-placeholder
              aria-label="Name of this view"
              i18n-aria-label
            />
          </mat-form-field>
          <button matButton="filled" type="submit" [disabled]="!name().trim()" i18n>Keep</button>
        </form>
      </div>
    </ng-template>
  `,
  styles: `
    .panel {
      padding: 12px;
      border-radius: 8px;
      background: var(--mat-sys-surface-container);
      box-shadow: var(--mat-sys-level2);
    }
    form {
      flex-wrap: nowrap;
      margin-top: 4px;
    }
    p {
      max-width: 22em;
    }
  `,
})
export class ViewsMenu {
  private readonly store = inject(FleetStore);
  protected readonly named = stored<NamedView[]>('fleetbeat.views', []);
  protected readonly name = signal('');
  protected readonly views = $localize`Views`;
  protected readonly open = signal(false);
  protected readonly current = computed(() => {
    const now = JSON.stringify(this.store.query());
    return this.named().find((view) => JSON.stringify(view.query) === now);
  });

  protected show(view: NamedView): void {
    this.store.change(view.query);
    this.open.set(false);
  }

  protected keep(event: Event): void {
    event.preventDefault();
    const view = { name: this.name().trim(), query: this.store.query() };
    const others = this.named().filter((other) => other.name !== view.name);
    this.named.set([...others, view].slice(-mostViews));
    this.name.set('');
  }

  protected forget(view: NamedView): void {
    this.named.set(this.named().filter((other) => other !== view));
  }

  protected forgetting(view: NamedView): string {
    return $localize`Forget the view ${view.name}:view:`;
  }
}
