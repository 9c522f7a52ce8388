import { Component, DestroyRef, inject, output, signal } from '@angular/core';
import {
  MatAutocomplete,
  MatAutocompleteSelectedEvent,
  MatAutocompleteTrigger,
  MatOption,
} from '@angular/material/autocomplete';
import { MatFormField } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';

import { Api } from '../api/api';
import { Vehicle } from '../api/shapes';

const pause = 200; // milliseconds without another key before the server is asked

/** A field that finds one vehicle by a part of its VIN or registration number. Enter takes the text as it stands for a VIN. */
@Component({
  selector: 'fb-vehicle-picker',
  imports: [MatAutocomplete, MatAutocompleteTrigger, MatFormField, MatInput, MatOption],
  template: `
    <mat-form-field>
      <input
        #field
        matInput
        autocomplete="off"
        spellcheck="false"
        maxlength="64"
        [matAutocomplete]="choices"
        (input)="typed(field.value)"
        (keydown.enter)="enter(field, choices)"
        placeholder="Vehicle"
        i18n-placeholder
        aria-label="Vehicle"
        i18n-aria-label
      />
      <mat-autocomplete #choices="matAutocomplete" (optionSelected)="pick($event, field)">
        @for (vehicle of found(); track vehicle.vin) {
          <mat-option [value]="vehicle.vin">
            {{ vehicle.vin }} <span class="fb-soft">{{ vehicle.registration_number }}</span>
          </mat-option>
        }
      </mat-autocomplete>
    </mat-form-field>
  `,
  styles: `
    mat-form-field {
      width: 100%;
    }
  `,
})
export class VehiclePicker {
  private readonly api = inject(Api);
  private asking: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** A VIN, which need not be that of a vehicle. */
  readonly picked = output<string>();
  protected readonly found = signal<Vehicle[]>([]);

  constructor() {
    inject(DestroyRef).onDestroy(() => this.stop());
  }

  protected typed(text: string): void {
    this.stop();
    this.timer = setTimeout(() => void this.look(text.trim()), pause);
  }

  protected enter(field: HTMLInputElement, choices: MatAutocomplete): void {
    if (choices.options.some((option) => option.active)) return; // it is picked
    this.take(field, field.value.trim());
  }

  protected pick(event: MatAutocompleteSelectedEvent, field: HTMLInputElement): void {
    this.take(field, event.option.value as string);
  }

  private take(field: HTMLInputElement, vin: string): void {
    this.stop();
    field.value = '';
    this.found.set([]);
    if (vin) this.picked.emit(vin);
  }

  private async look(q: string): Promise<void> {
    if (!q) return this.found.set([]);
    const { signal } = (this.asking = new AbortController());
    try {
      const query = { q, limit: 10, facets: false };
      this.found.set((await this.api.get('/v1/vehicles', { query, signal })).items);
    } catch {
      if (!signal.aborted) this.found.set([]); // a VIN can be typed in full
    }
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
  }
}
