import { Component, computed, effect, inject, model, signal, untracked } from '@angular/core';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';
import { MatFormField, MatPrefix, MatSuffix } from '@angular/material/form-field';
import { MatIcon } from '@angular/material/icon';
import { MatInput } from '@angular/material/input';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { RouterLink } from '@angular/router';

import { CustomerPicker, PickedCustomer } from '../ui/customer-picker';
import { Format } from '../words/format';
import { FleetStore } from './fleet-store';
import { View, toggled } from './query';
import { ViewsMenu } from './views-menu';

const typing = 200; // milliseconds without a key after which what was typed is searched for

/** What narrows the fleet: text, customers, tags. Presences are the tiles. */
@Component({
  selector: 'fb-filter-bar',
  imports: [
    CustomerPicker,
    MatButton,
    MatButtonToggle,
    MatButtonToggleGroup,
    MatFormField,
    MatIcon,
    MatIconButton,
    MatInput,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    MatPrefix,
    MatSuffix,
    RouterLink,
    ViewsMenu,
  ],
  templateUrl: './filter-bar.html',
  styleUrl: './filter-bar.scss',
})
export class FilterBar {
  protected readonly store = inject(FleetStore);
  protected readonly format = inject(Format);

  /** Whether one can move through time. */
  readonly timed = model(false);

  protected readonly text = signal('');
  protected readonly query = this.store.query;
  protected readonly tags = computed(() => {
    const chosen = this.query().tags;
    const counted = this.store.facets()?.tags ?? [];
    return counted.filter(({ tag }) => !chosen.includes(tag));
  });
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    // Of the text alone: another filter that arrives in the address while somebody types must not take away what is typed.
    const asked = computed(() => this.query().text);
    effect(() => {
      const text = asked();
      untracked(() => {
        if (text !== this.text().trim()) this.text.set(text); // the address changed, not the field
      });
    });
  }

  protected typed(text: string): void {
    this.text.set(text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), typing);
  }

  protected search(): void {
    clearTimeout(this.timer);
    if (this.text().trim() !== this.query().text) this.store.change({ text: this.text().trim() }, true);
  }

  protected emptied(): void {
    this.text.set('');
    this.search();
  }

  protected picked({ id, name }: PickedCustomer): void {
    this.store.named(id, name);
    if (!this.query().customers.includes(id))
      this.store.change({ customers: [...this.query().customers, id] });
  }

  protected dropCustomer(id: string): void {
    this.store.change({ customers: toggled(this.query().customers, id) });
  }

  protected toggleTag(tag: string): void {
    this.store.change({ tags: toggled(this.query().tags, tag) });
  }

  protected without(name: string): string {
    return $localize`Without ${name}:filter:`;
  }

  protected view(view: View): void {
    this.store.change({ view });
  }
}
