import { Component, computed, input, output } from '@angular/core';
import { MatButton } from '@angular/material/button';

import { Problem } from '../api/problem';

/** Says what went wrong and what to do about it. */
@Component({
  selector: 'fb-notice',
  imports: [MatButton],
  template: `
    <div class="text">
      <strong>{{ title() }}</strong>
      <span>{{ advice() }}</span>
    </div>
    @if (again()) {
      <button matButton="outlined" type="button" (click)="retry.emit()" i18n>Try again</button>
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 16px;
      padding: 12px 16px;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 12px;
      background: var(--mat-sys-surface-container-high);
    }
    .text {
      display: flex;
      flex: 1 1 16em;
      flex-direction: column;
    }
  `,
  host: { role: 'alert' },
})
export class Notice {
  readonly problem = input.required<unknown>();
  /** Whether to offer to try again. */
  readonly again = input(true);
  readonly retry = output<void>();

  protected readonly title = computed(() => titleOf(this.problem()));
  protected readonly advice = computed(() => adviceOn(this.problem()));
}

/** A problem in one line. */
export function titleOf(problem: unknown): string {
  if (!(problem instanceof Problem)) return $localize`Something went wrong in this page`;
  switch (problem.status) {
    case 0:
      return $localize`The server cannot be reached`;
    case 404:
      return $localize`There is no such thing`;
    case 409:
      return $localize`That is taken`;
    case 422:
      return $localize`The server did not accept that`;
    case 503:
      return $localize`The server is not ready`;
    default:
      return $localize`The server answered ${problem.status}:status:`;
  }
}

function adviceOn(problem: unknown): string {
  if (!(problem instanceof Problem)) return problem instanceof Error ? problem.message : '';
  if (problem.status === 0)
    return $localize`Check the network, and whether Fleetbeat runs. The page goes on by itself when it is back.`;
  const places = problem.places.map((place) => [place.location, place.message].filter(Boolean).join(': '));
  return [problem.detail, ...places].filter(Boolean).join(' · ');
}
