import { Component, computed, inject, signal, viewChild } from '@angular/core';
import { FormsModule } from '@angular/forms';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatFormField } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';
import { MatMenu, MatMenuTrigger } from '@angular/material/menu';

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
  imports: [FormsModule, MatButton, MatFormField, MatIcon, MatIconButton, MatInput, MatMenu, MatMenuTrigger],
  template: `
    <button matButton="outlined" type="button" [matMenuTriggerFor]="menu">
      <mat-icon svgIcon="bookmark" />
      {{ current()?.name ?? views }}
    </button>
    <mat-menu #menu="matMenu">
      <div
        class="panel"
        role="presentation"
        (click)="$event.stopPropagation()"
        (keydown)="$event.stopPropagation()"
      >
        @for (view of named(); track view.name) {
          <div class="fb-row">
            <button matButton type="button" class="fb-spread" (click)="show(view); trigger().closeMenu()">
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
    </mat-menu>
  `,
  styles: `
    .panel {
      padding: 4px 12px;
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
  protected readonly trigger = viewChild.required(MatMenuTrigger);
  protected readonly current = computed(() => {
    const now = JSON.stringify(this.store.query());
    return this.named().find((view) => JSON.stringify(view.query) === now);
  });

  protected show(view: NamedView): void {
    this.store.change(view.query);
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
