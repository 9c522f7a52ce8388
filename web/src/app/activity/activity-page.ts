import { Component, inject } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';

import { Empty } from '../ui/empty';
import { Notice } from '../ui/notice';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { ActivityFilters } from './activity-filters';
import { ActivityList } from './activity-list';
import { ActivityStore } from './activity-store';

/** Changes of presence as they happen. */
@Component({
  selector: 'fb-activity-page',
  imports: [ActivityFilters, ActivityList, Empty, MatButton, MatIcon, Notice, Skeleton],
  providers: [ActivityStore],
  template: `
    <div class="fb-page screen">
      <div class="fb-row">
        <h1 class="fb-spread" i18n>Activity</h1>
        <button
          matButton="outlined"
          type="button"
          title="Space does the same in the list"
          i18n-title
          [attr.aria-pressed]="store.paused()"
          (click)="store.pause(!store.paused())"
        >
          <mat-icon [svgIcon]="store.paused() ? 'play' : 'pause'" />
          @if (store.paused()) {
            <ng-container i18n>Go on</ng-container>
          } @else {
            <ng-container i18n>Pause</ng-container>
          }
        </button>
      </div>
      <fb-activity-filters />
      @if (store.problem()) {
        <fb-notice [problem]="store.problem()" (retry)="store.begin()" />
      }
      @if (store.paused()) {
        <p class="fb-soft" role="status" i18n>Paused: {{ format.count(store.waiting()) }} new ones wait.</p>
      }
      @if (store.entries().length > 0) {
        <fb-activity-list />
      } @else if (store.loaded()) {
        <section class="fb-card">
          @if (store.filtered()) {
            <fb-empty title="No change is like that" i18n-title>
              <span i18n>None that memory holds. What comes from now on shows here by itself.</span>
            </fb-empty>
          } @else {
            <fb-empty title="Nothing has changed yet" i18n-title>
              <span i18n>As soon as a vehicle is heard, falls silent or is paused, it stands here.</span>
            </fb-empty>
          }
        </section>
      } @else if (!store.problem()) {
        <section class="fb-card blank"><fb-skeleton [lines]="12" /></section>
      }
    </div>
  `,
  styles: `
    .screen {
      height: calc(100dvh - 53px);
      min-height: 480px;
      padding-bottom: var(--fb-gap);
    }
    p {
      margin: 0;
    }
    .blank {
      flex: 1;
    }
    @media (width <= 700px) {
      .screen {
        height: calc(100dvh - 117px);
      }
    }
  `,
})
export class ActivityPage {
  protected readonly format = inject(Format);
  protected readonly store = inject(ActivityStore);
}
