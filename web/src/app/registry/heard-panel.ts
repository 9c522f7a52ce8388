import {
  Component,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  effect,
  inject,
  signal,
  viewChild,
} from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatSnackBar } from '@angular/material/snack-bar';
import { Router } from '@angular/router';

import { Problem } from '../api/problem';
import { stored } from '../settings/preferences';
import { Confirm } from '../ui/confirm';
import { CustomerForm } from '../ui/customer-form';
import { CustomerPicker, PickedCustomer } from '../ui/customer-picker';
import { Empty } from '../ui/empty';
import { Ago } from '../ui/moment';
import { Notice } from '../ui/notice';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';
import { Heard, HeardStore } from './heard-store';

/** Adds vehicles that were heard and are not registered: the customer is chosen once, then it is a click for each. */
@Component({
  selector: 'fb-heard-panel',
  imports: [Ago, CustomerPicker, Empty, MatButton, Notice, Skeleton],
  providers: [HeardStore],
  templateUrl: './heard-panel.html',
  styles: `
    .intro {
      max-width: 60em;
      margin: 0 0 12px;
    }
    .count {
      margin: 8px 0;
    }
    .to {
      min-height: 56px;
    }
    .to .name {
      overflow-wrap: anywhere;
    }
    fb-customer-picker {
      flex: 0 1 320px;
    }
    .all {
      margin-inline-start: auto;
    }
    th.vin {
      color: inherit;
      font: inherit;
      font-weight: 500;
      overflow-wrap: anywhere;
    }
    .fault {
      padding-inline-start: 8px;
      border-inline-start: 3px solid var(--mat-sys-on-surface);
      font: var(--mat-sys-body-small);
    }
    td,
    th.vin {
      vertical-align: middle;
    }
    .number {
      padding-inline-end: 24px;
    }
    .act {
      width: 1%;
      padding-inline-end: 0;
      text-align: end;
    }
    .done {
      color: var(--mat-sys-on-surface-variant);
    }
    .more {
      display: block;
      margin: 12px auto 0;
    }
    .blank {
      min-height: 320px;
    }
    .below {
      display: none;
      font-weight: 400;
    }
    @media (width <= 700px) {
      .first,
      .last {
        display: none;
      }
      .below {
        display: block;
      }
      .number {
        padding-inline-end: 12px;
      }
    }
  `,
})
export class HeardPanel {
  private readonly confirm = inject(Confirm);
  private readonly customerForm = inject(CustomerForm);
  private readonly injector = inject(Injector);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  protected readonly format = inject(Format);
  private readonly another = viewChild('another', { read: ElementRef<HTMLElement> });
  protected readonly store = inject(HeardStore);

  /** Whom vehicles are added to; kept in the browser. */
  protected readonly owner = stored<PickedCustomer | null>('fleetbeat.heard.owner', null);
  /** Why something was refused that is not about one vehicle. */
  protected readonly refused = signal<unknown>(undefined);

  protected readonly addAllText = computed(() => {
    const count = this.store.addable().length;
    return count === 1 ? $localize`Add it` : $localize`Add all ${this.format.count(count)}:count: shown`;
  });
  protected readonly countText = computed(() => {
    const total = this.store.total();
    const count = this.format.count(total);
    const text =
      total === 1
        ? $localize`1 vehicle is not registered.`
        : $localize`${count}:count: vehicles are not registered.`;
    if (!this.owner())
      return `${text} ${$localize`Choose whom to add them to; then it is a click for each.`}`;
    const waiting = this.store.waiting();
    if (waiting === 0) return text;
    const fresh = this.format.count(waiting);
    return `${text} ${$localize`${fresh}:count: heard since; shown when you leave the list.`}`;
  });

  constructor() {
    // That the server cannot be reached is then said once, and no longer when it can.
    effect(() => this.store.problem() && this.refused.set(undefined));
  }

  protected addText(vehicle: Heard): string {
    if (vehicle.state === 'added') return $localize`${vehicle.vin}:vin: is added`;
    const name = this.owner()?.name;
    return name
      ? $localize`Add ${vehicle.vin}:vin: to ${name}:customer:`
      : $localize`Add ${vehicle.vin}:vin:: choose the customer first`;
  }

  protected choose(customer: PickedCustomer): void {
    this.owner.set(customer);
    // The field is gone; whoever goes by keys continues beside what took its place.
    afterNextRender(() => this.another()?.nativeElement.focus(), { injector: this.injector });
  }

  protected async newCustomer(): Promise<void> {
    const customer = await this.customerForm.create();
    if (customer) this.owner.set({ id: customer.id, name: customer.name });
  }

  protected async add(vehicle: Heard): Promise<void> {
    const owner = this.owner();
    if (!owner || vehicle.state !== 'heard') return;
    await this.attempt(async () => {
      if (!(await this.store.add(vehicle.vin, owner.id))) return;
      const text = $localize`${vehicle.vin}:vin: is added to ${owner.name}:customer:`;
      const said = this.snackBar.open(text, $localize`Open`, { duration: 6000 });
      said.onAction().subscribe(() => void this.router.navigate(['/vehicles', vehicle.vin]));
    });
  }

  protected async addAll(): Promise<void> {
    const owner = this.owner();
    if (!owner) return;
    const count = this.format.count(this.store.addable().length);
    const yes = await this.confirm.ask({
      title: $localize`Add ${count}:count: vehicles to ${owner.name}:customer:?`,
      text: $localize`All vehicles shown in this list are registered with that customer, without registration numbers and tags. Their heartbeats count from then on.`,
      act: $localize`Add ${count}:count: vehicles`,
    });
    if (!yes) return;
    await this.attempt(async () => {
      const added = this.format.count(await this.store.addAll(owner.id));
      this.snackBar.open(
        $localize`${added}:count: vehicles are added to ${owner.name}:customer:`,
        undefined,
        {
          duration: 6000,
        },
      );
      await this.store.look();
    });
  }

  private async attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.refused.set(undefined);
    } catch (error) {
      this.refused.set(error);
      // The customer that was remembered is gone.
      if (error instanceof Problem && error.at('body.customer_id')) this.owner.set(null);
    }
  }
}
