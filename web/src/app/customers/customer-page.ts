import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatSnackBar } from '@angular/material/snack-bar';
import { Router, RouterLink } from '@angular/router';

import { Customer } from '../api/shapes';
import { Confirm, Question } from '../ui/confirm';
import { CountsBar } from '../ui/counts-bar';
import { CustomerForm } from '../ui/customer-form';
import { Empty } from '../ui/empty';
import { Ago } from '../ui/moment';
import { Notice } from '../ui/notice';
import { PresenceMark } from '../ui/presence-mark';
import { ReachName, readReach } from '../ui/reach';
import { ReachToggle } from '../ui/reach-toggle';
import { Skeleton } from '../ui/skeleton';
import { UptimeCard } from '../ui/uptime/uptime-card';
import { VehicleForm } from '../ui/vehicle-form';
import { Format } from '../words/format';
import { presences } from '../words/presence';
import { CustomerStore } from './customer-store';

/** One customer: who it is, how its vehicles are, and what happened to them last. */
@Component({
  selector: 'fb-customer-page',
  imports: [
    Ago,
    CountsBar,
    Empty,
    MatButton,
    MatIcon,
    MatIconButton,
    Notice,
    PresenceMark,
    ReachToggle,
    RouterLink,
    Skeleton,
    UptimeCard,
  ],
  providers: [CustomerStore],
  templateUrl: './customer-page.html',
  styleUrl: './customer-page.scss',
})
export class CustomerPage {
  private readonly confirm = inject(Confirm);
  private readonly customerForm = inject(CustomerForm);
  private readonly vehicleForm = inject(VehicleForm);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  protected readonly format = inject(Format);
  protected readonly store = inject(CustomerStore);
  protected readonly presences = presences;

  readonly id = input.required<string>();
  /** How far back one looks, from the address. */
  readonly span = input<string>();
  protected readonly reach = computed(() => readReach(this.span()));
  protected readonly of = computed(() => ({ customer: this.id() }));
  /** Why an action of the person did not succeed. */
  protected readonly refused = signal<unknown>(undefined);

  protected readonly vehicles = computed(() => this.counted(this.store.customer()?.vehicles ?? 0));
  protected readonly policy = computed(() => {
    const own = this.store.customer()?.own_policy;
    const policy = own ?? this.store.defaults();
    if (!policy) return '–';
    const late = this.format.duration(policy.late_after * 1000);
    const offline = this.format.duration(policy.offline_after * 1000);
    return own
      ? $localize`Its own: late after ${late}:late:, offline after ${offline}:offline:`
      : $localize`The default: late after ${late}:late:, offline after ${offline}:offline:`;
  });

  constructor() {
    effect(() => {
      const id = this.id();
      untracked(() => {
        this.refused.set(undefined);
        this.store.open(id);
      });
    });
    // That the server cannot be reached is then said once, and no longer when it can.
    effect(() => this.store.problem() && this.refused.set(undefined));
  }

  protected look(span: ReachName): void {
    void this.router.navigate([], { queryParams: { span }, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected async addVehicle(): Promise<void> {
    const vehicle = await this.vehicleForm.create({ customerId: this.id() });
    if (!vehicle) return;
    this.store.open(this.id());
    const said = this.snackBar.open($localize`${vehicle.vin}:vin: is added`, $localize`Open`, {
      duration: 6000,
    });
    said.onAction().subscribe(() => void this.router.navigate(['/vehicles', vehicle.vin]));
  }

  protected async edit(): Promise<void> {
    const customer = this.store.customer();
    const changed = customer && (await this.customerForm.edit(customer));
    if (!changed) return;
    this.store.open(this.id());
    this.say($localize`${changed.name}:name: is changed`);
  }

  protected async remove(): Promise<void> {
    const customer = this.store.customer();
    if (!customer || !(await this.confirm.ask(this.question(customer)))) return;
    try {
      await this.store.remove(customer.vehicles > 0);
      this.say($localize`${customer.name}:name: is removed`);
      await this.router.navigate(['/customers']);
    } catch (error) {
      this.refused.set(error);
      this.store.open(this.id()); // it may have got its first vehicle meanwhile
    }
  }

  private question(customer: Customer): Question {
    const title = $localize`Remove ${customer.name}:name:?`;
    const vehicles = this.counted(customer.vehicles);
    if (customer.vehicles === 0) {
      return {
        title,
        text: $localize`It has no vehicles. Its name, address and policy leave the registry.`,
        act: $localize`Remove`,
      };
    }
    return {
      title,
      text: $localize`${vehicles}:vehicles: of this customer leave the registry with it: their registration numbers, tags and policies. Their heartbeats are refused from then on. The log keeps their past under numbers, which are not given to other vehicles.`,
      act: $localize`Remove it and ${vehicles}:vehicles:`,
      name: customer.name,
    };
  }

  private counted(vehicles: number): string {
    return vehicles === 1 ? $localize`1 vehicle` : $localize`${this.format.count(vehicles)}:count: vehicles`;
  }

  private say(text: string): void {
    this.snackBar.open(text, undefined, { duration: 4000 });
  }
}
