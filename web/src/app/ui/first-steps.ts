import { Clipboard } from '@angular/cdk/clipboard';
import { Component, inject, output, signal } from '@angular/core';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatSnackBar } from '@angular/material/snack-bar';
import { Router, RouterLink } from '@angular/router';

import { Uploads } from '../api/uploads';
import { CustomerForm } from './customer-form';
import { Notice } from './notice';
import { VehicleForm } from './vehicle-form';

/** The original three customers with their seven vehicles, as `fleetbeat demo` has them. */
export const example = `vin,registration_number,customer_id,customer_name,customer_address,tags
YS2R4X20005399401,ABC123,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje
VLUR4X20009093588,DEF456,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje
VLUR4X20009048066,GHI789,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje
YS2R4X20005388011,JKL012,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",stockholm
YS2R4X20005387949,MNO345,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",stockholm
YS2R4X20005387765,PQR678,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",uppsala
YS2R4X20005387055,STU901,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",uppsala
`;

/** What to do with a server that has no vehicles yet. */
@Component({
  selector: 'fb-first-steps',
  imports: [MatButton, MatIcon, MatIconButton, Notice, RouterLink],
  templateUrl: './first-steps.html',
  styleUrl: './first-steps.scss',
})
export class FirstSteps {
  private readonly clipboard = inject(Clipboard);
  private readonly customerForm = inject(CustomerForm);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  private readonly uploads = inject(Uploads);
  private readonly vehicleForm = inject(VehicleForm);

  /** Something was added. */
  readonly done = output<void>();

  protected readonly busy = signal(false);
  protected readonly problem = signal<unknown>(undefined);
  protected readonly heartbeat = `curl -X POST ${location.origin}/heartbeat/YS2R4X20005399401`;
  protected readonly simulate = `fleetbeat simulate --url ${location.origin} --original --vehicles 0`;

  protected async loadExample(): Promise<void> {
    this.busy.set(true);
    try {
      await this.uploads.importVehicles(new Blob([example]));
      this.problem.set(undefined);
      this.say($localize`The example is loaded: three customers with seven vehicles`);
      this.done.emit();
    } catch (error) {
      this.problem.set(error);
    } finally {
      this.busy.set(false);
    }
  }

  protected async addCustomer(): Promise<void> {
    const customer = await this.customerForm.create();
    if (!customer) return;
    this.say($localize`${customer.name}:name: is added`);
    this.done.emit();
    await this.router.navigate(['/customers', customer.id]);
  }

  protected async addVehicle(): Promise<void> {
    const vehicle = await this.vehicleForm.create();
    if (!vehicle) return;
    this.say($localize`${vehicle.vin}:vin: is added`);
    this.done.emit();
  }

  protected copy(text: string): void {
    const done = this.clipboard.copy(text);
    this.say(done ? $localize`The command is copied` : $localize`The browser does not allow copying`);
  }

  private say(text: string): void {
    this.snackBar.open(text, undefined, { duration: 4000 });
  }
}
