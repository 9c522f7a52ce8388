import { Component, effect, inject, signal, untracked } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';
import { MatIcon } from '@angular/material/icon';

import { Api } from '../api/api';
import { CustomerPicker, PickedCustomer } from '../ui/customer-picker';
import { PresenceMark } from '../ui/presence-mark';
import { presences } from '../words/presence';
import { ActivityStore } from './activity-store';
import { VehiclePicker } from './vehicle-picker';

/** Chooses which changes are shown. */
@Component({
  selector: 'fb-activity-filters',
  imports: [
    CustomerPicker,
    MatButton,
    MatButtonToggle,
    MatButtonToggleGroup,
    MatIcon,
    PresenceMark,
    VehiclePicker,
  ],
  template: `
    <div class="fb-row" role="search">
      <mat-button-toggle-group
        multiple
        hideMultipleSelectionIndicator
        aria-label="Changes to"
        i18n-aria-label
        [value]="store.query().to"
        (change)="store.change({ to: $event.value })"
      >
        @for (presence of presences; track presence) {
          <mat-button-toggle [value]="presence"><fb-presence-mark [presence]="presence" /></mat-button-toggle>
        }
      </mat-button-toggle-group>
      <fb-customer-picker (picked)="addCustomer($event)" />
      <fb-vehicle-picker (picked)="store.change({ vehicle: $event })" />
    </div>
    @if (store.filtered()) {
      <ul class="chosen" aria-label="Filters" i18n-aria-label>
        @for (id of store.query().customers; track id) {
          <li>
            <mat-icon svgIcon="customers" />{{ nameOf(id) }}
            <button type="button" [attr.aria-label]="without(nameOf(id))" (click)="dropCustomer(id)">
              <mat-icon svgIcon="close" />
            </button>
          </li>
        }
        @if (store.query().vehicle; as vin) {
          <li>
            <mat-icon svgIcon="car" />{{ vin }}
            <button type="button" [attr.aria-label]="without(vin)" (click)="store.change({ vehicle: '' })">
              <mat-icon svgIcon="close" />
            </button>
          </li>
        }
        <li class="clear">
          <button matButton type="button" (click)="clear()" i18n>Clear all filters</button>
        </li>
      </ul>
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    mat-button-toggle-group {
      max-width: 100%;
      overflow-x: auto;
    }
    fb-customer-picker,
    fb-vehicle-picker {
      flex: 1 1 10em;
      min-width: 0;
      max-width: 18em;
    }
    @media (width <= 700px) {
      fb-customer-picker,
      fb-vehicle-picker {
        max-width: none;
      }
    }
    .chosen {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li:not(.clear) {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      padding-inline-start: 10px;
      border: 1px solid var(--mat-sys-outline-variant);
      border-radius: 8px;
    }
    li:not(.clear) button {
      display: inline-flex;
      padding: 6px;
      border: 0;
      background: none;
      color: inherit;
      cursor: pointer;
    }
    .chosen mat-icon {
      width: 18px;
      height: 18px;
    }
  `,
})
export class ActivityFilters {
  private readonly api = inject(Api);
  private readonly names = signal<ReadonlyMap<string, string>>(new Map());
  protected readonly store = inject(ActivityStore);
  protected readonly presences = presences;

  constructor() {
    effect(() => {
      for (const id of this.store.query().customers) {
        if (!untracked(this.names).has(id)) void this.learnName(id);
      }
    });
  }

  protected nameOf(id: string): string {
    return this.names().get(id) ?? id;
  }

  protected without(name: string): string {
    return $localize`Without the filter ${name}:name:`;
  }

  protected addCustomer({ id, name }: PickedCustomer): void {
    this.name(id, name);
    this.store.change({ customers: [...new Set([...this.store.query().customers, id])] });
  }

  protected dropCustomer(id: string): void {
    this.store.change({ customers: this.store.query().customers.filter((other) => other !== id) });
  }

  protected clear(): void {
    this.store.change({ to: [], customers: [], vehicle: '' });
  }

  private async learnName(id: string): Promise<void> {
    try {
      this.name(id, (await this.api.get('/v1/customers/{id}', { path: { id } })).name);
    } catch {
      this.name(id, id); // its id has to do
    }
  }

  private name(id: string, name: string): void {
    this.names.update((names) => new Map(names).set(id, name));
  }
}
