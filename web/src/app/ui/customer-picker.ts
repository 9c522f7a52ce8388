import { Component, computed, inject, input, output, signal } from '@angular/core';
import {
  MatAutocomplete,
  MatAutocompleteSelectedEvent,
  MatAutocompleteTrigger,
  MatOption,
} from '@angular/material/autocomplete';
import { MatFormField } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';

import { Format } from '../words/format';
import { CustomerSearch } from './customer-search';

/** A customer that was picked. */
export interface PickedCustomer {
  id: string;
  name: string;
}

/** A customer to pick, and how many vehicles there are with that choice. */
interface Choice extends PickedCustomer {
  count: number;
}

const most = 30; // choices offered before anything is typed

/** A field that finds one of thousands of customers by a part of the name or address. */
@Component({
  selector: 'fb-customer-picker',
  providers: [CustomerSearch],
  imports: [MatAutocomplete, MatAutocompleteTrigger, MatFormField, MatInput, MatOption],
  template: `
    <mat-form-field subscriptSizing="dynamic">
      <input
        #field
        matInput
        autocomplete="off"
        maxlength="200"
        [matAutocomplete]="choices"
        [value]="text()"
        (input)="typed($any($event.target).value)"
        (focus)="typed(text())"
        placeholder="Customer"
        i18n-placeholder
        aria-label="Customer"
        i18n-aria-label
      />
      <mat-autocomplete
        #choices="matAutocomplete"
        [autoActiveFirstOption]="!!text().trim()"
        (optionSelected)="pick($event, field)"
      >
        @for (choice of shown(); track choice.id) {
          <mat-option [value]="choice">
            {{ choice.name }} <span class="fb-soft">{{ format.count(choice.count) }}</span>
          </mat-option>
        }
        @if (nobody()) {
          <mat-option disabled i18n>No customer is called that</mat-option>
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
export class CustomerPicker {
  protected readonly format = inject(Format);

  /** What is offered before anything is typed; without it, the first customers by name. */
  readonly counts = input<readonly Choice[]>();
  readonly picked = output<PickedCustomer>();

  protected readonly text = signal('');
  protected readonly search = inject(CustomerSearch);
  protected readonly shown = computed<readonly Choice[]>(() => {
    const counts = this.counts();
    const text = this.text().trim();
    if (counts && !text) return counts.slice(0, most);
    const found = this.search.customers().map(({ id, name, vehicles }) => ({ id, name, count: vehicles }));
    if (this.search.text() === text) return found;
    // Until the server has answered, a key that picks must not pick what was offered for another text.
    const part = text.toLocaleLowerCase();
    return found.filter(({ name }) => name.toLocaleLowerCase().includes(part));
  });
  protected readonly nobody = computed(
    () => this.shown().length === 0 && this.text().trim() !== '' && this.search.text() === this.text().trim(),
  );

  protected typed(text: string): void {
    this.text.set(text);
    if (text.trim() || !this.counts()) this.search.look(text);
  }

  protected pick(event: MatAutocompleteSelectedEvent, field: HTMLInputElement): void {
    const { id, name } = event.option.value as Choice;
    field.value = '';
    this.text.set('');
    this.picked.emit({ id, name });
  }
}
