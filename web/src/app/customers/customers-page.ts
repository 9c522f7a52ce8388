import { Component, DestroyRef, computed, effect, inject, input, untracked } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatFormField, MatPrefix } from '@angular/material/form-field';
import { MatIcon } from '@angular/material/icon';
import { MatInput } from '@angular/material/input';
import { MatSnackBar } from '@angular/material/snack-bar';
import { ActivatedRoute, Router, RouterLink } from '@angular/router';

import { CountsBar } from '../ui/counts-bar';
import { CustomerForm } from '../ui/customer-form';
import { Empty } from '../ui/empty';
import { InView } from '../ui/in-view';
import { Notice } from '../ui/notice';
import { PresenceMark } from '../ui/presence-mark';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { presences } from '../words/presence';
import { CustomersStore } from './customers-store';

const pause = 200; // milliseconds without another key before it is looked for

/** All customers by name, and how their vehicles are. */
@Component({
  selector: 'fb-customers-page',
  imports: [
    CountsBar,
    Empty,
    InView,
    MatButton,
    MatFormField,
    MatIcon,
    MatInput,
    MatPrefix,
    Notice,
    PresenceMark,
    RouterLink,
    Skeleton,
  ],
  providers: [CustomersStore],
  templateUrl: './customers-page.html',
  styleUrl: './customers-page.scss',
})
export class CustomersPage {
  private readonly form = inject(CustomerForm);
  private readonly route = inject(ActivatedRoute);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  private timer: ReturnType<typeof setTimeout> | undefined;
  protected readonly format = inject(Format);
  protected readonly store = inject(CustomersStore);
  protected readonly presences = presences;

  /** The text to find customers by, from the address. */
  readonly q = input<string>();
  protected readonly found = computed(() => {
    if (!this.store.pages()) return '';
    const total = this.store.total();
    return total === 1 ? $localize`1 customer` : $localize`${this.format.count(total)}:count: customers`;
  });

  constructor() {
    effect(() => {
      const text = this.q() ?? '';
      untracked(() => void this.store.find(text));
    });
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  protected search(text: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.router.navigate([], {
        relativeTo: this.route,
        queryParams: { q: text || null },
        replaceUrl: true,
      });
    }, pause);
  }

  protected async add(): Promise<void> {
    const customer = await this.form.create();
    if (!customer) return;
    this.snackBar.open($localize`${customer.name}:name: is added`, undefined, { duration: 4000 });
    await this.router.navigate(['/customers', customer.id]);
  }
}
