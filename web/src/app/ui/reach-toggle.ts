import { Component, model } from '@angular/core';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';

import { ReachName } from './reach';

/** Chooses how far back one looks. */
@Component({
  selector: 'fb-reach-toggle',
  imports: [MatButtonToggle, MatButtonToggleGroup],
  template: `
    <mat-button-toggle-group
      hideSingleSelectionIndicator
      aria-label="How far back"
      i18n-aria-label
      [value]="reach()"
      (change)="reach.set($event.value)"
    >
      <mat-button-toggle value="1h" i18n>1 hour</mat-button-toggle>
      <mat-button-toggle value="24h" i18n>24 hours</mat-button-toggle>
      <mat-button-toggle value="7d" i18n>7 days</mat-button-toggle>
      <mat-button-toggle value="30d" i18n>30 days</mat-button-toggle>
    </mat-button-toggle-group>
  `,
  styles: `
    :host {
      display: block;
    }
    mat-button-toggle-group {
      display: flex;
    }
    mat-button-toggle {
      flex: 1;
    }
  `,
})
export class ReachToggle {
  readonly reach = model.required<ReachName>();
}
