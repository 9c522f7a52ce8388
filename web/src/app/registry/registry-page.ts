import { Component, computed, inject, input } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatSnackBar } from '@angular/material/snack-bar';
import { MatTabLink, MatTabNav, MatTabNavPanel } from '@angular/material/tabs';
import { Router, RouterLink } from '@angular/router';

import { Api } from '../api/api';
import { Feed } from '../live/feed';
import { CustomerForm } from '../ui/customer-form';
import { FirstSteps } from '../ui/first-steps';
import { VehicleForm } from '../ui/vehicle-form';
import { Format } from '../words/format';
import { BacktestPanel } from './backtest-panel';
import { HeardPanel } from './heard-panel';
import { ImportPanel } from './import-panel';
import { PolicyPanel } from './policy-panel';

/** What is known beside the log: vehicles and customers come in and go out here, and the default policy is set. */
@Component({
  selector: 'fb-registry-page',
  imports: [
    BacktestPanel,
    FirstSteps,
    HeardPanel,
    ImportPanel,
    MatButton,
    MatIcon,
    MatTabLink,
    MatTabNav,
    MatTabNavPanel,
    PolicyPanel,
    RouterLink,
  ],
  templateUrl: './registry-page.html',
  styles: `
    h2 {
      margin-bottom: 12px;
      scroll-margin-top: 72px; /* below the page's head */
    }
    mat-tab-nav-panel {
      display: block;
    }
    @media (width <= 700px) {
      nav {
        --mat-tab-label-text-size: 12px;
        --mat-tab-label-text-tracking: 0;
      }
      nav a {
        min-width: 0;
        padding-inline: 8px;
      }
    }
    .files {
      display: grid;
      grid-template-columns: minmax(0, 1fr) 300px;
      gap: var(--fb-gap);
      align-items: start;
    }
    .files p {
      margin: 0 0 12px;
    }
    @media (width <= 1000px) {
      .files {
        grid-template-columns: minmax(0, 1fr);
      }
    }
  `,
})
export class RegistryPage {
  private readonly customerForm = inject(CustomerForm);
  private readonly feed = inject(Feed);
  private readonly format = inject(Format);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  private readonly vehicleForm = inject(VehicleForm);

  /** Which tab is shown, from the address. */
  readonly tab = input<string>();

  protected readonly tabs = [
    { id: 'import', name: $localize`Import and export` },
    { id: 'heard', name: $localize`Heard, not registered` },
    { id: 'policy', name: $localize`Default policy` },
    { id: 'backtest', name: $localize`Test a policy` },
  ];
  protected readonly shown = computed(() => this.tabs.find(({ id }) => id === this.tab())?.id ?? 'import');
  protected readonly exportUrl = inject(Api).url('/v1/export');
  protected readonly empty = computed(() => this.feed.summary()?.vehicles === 0);
  protected readonly holds = computed(() => {
    const summary = this.feed.summary();
    if (!summary) return '';
    const { vehicles, customers } = summary;
    return [
      vehicles === 1 ? $localize`1 vehicle` : $localize`${this.format.count(vehicles)}:count: vehicles`,
      customers === 1 ? $localize`1 customer` : $localize`${this.format.count(customers)}:count: customers`,
    ].join(', ');
  });

  protected async addCustomer(): Promise<void> {
    const customer = await this.customerForm.create();
    if (customer) this.say($localize`${customer.name}:name: is added`, ['/customers', customer.id]);
  }

  protected async addVehicle(): Promise<void> {
    const vehicle = await this.vehicleForm.create();
    if (vehicle) this.say($localize`${vehicle.vin}:vin: is added`, ['/vehicles', vehicle.vin]);
  }

  private say(text: string, where: string[]): void {
    const said = this.snackBar.open(text, $localize`Open`, { duration: 6000 });
    said.onAction().subscribe(() => void this.router.navigate(where));
  }
}
