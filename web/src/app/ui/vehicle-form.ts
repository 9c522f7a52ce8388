import { Injectable, inject } from '@angular/core';
import { MatDialog } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { Vehicle } from '../api/shapes';

/** What is known of a vehicle before it is added. */
export interface KnownOfVehicle {
  vin?: string;
  customerId?: string;
}

/** What the dialog is opened for: a vehicle that is there, or else one to be added. */
export interface VehicleFormTask {
  vehicle?: Vehicle;
  known: KnownOfVehicle;
}

/** Asks for all that the registry holds of a vehicle, and writes it. Its code is loaded when it is first needed. */
@Injectable({ providedIn: 'root' })
export class VehicleForm {
  private readonly dialog = inject(MatDialog);

  /** Adds a vehicle. It gives what the server answered; undefined when the person thought better of it. */
  create(known: KnownOfVehicle = {}): Promise<Vehicle | undefined> {
    return this.open({ known });
  }

  /** Changes a vehicle. It gives what the server answered; undefined when nothing was changed. */
  edit(vehicle: Vehicle): Promise<Vehicle | undefined> {
    return this.open({ vehicle, known: {} });
  }

  private async open(task: VehicleFormTask): Promise<Vehicle | undefined> {
    const { VehicleFormDialog } = await import('./vehicle-form-dialog');
    const dialog = this.dialog.open<unknown, VehicleFormTask, Vehicle>(VehicleFormDialog, {
      data: task,
      disableClose: true, // the dialog asks first when something was typed
      autoFocus: 'first-tabbable',
      width: '560px',
      maxWidth: 'calc(100vw - 24px)',
    });
    return firstValueFrom(dialog.afterClosed());
  }
}
