import { Injectable, inject } from '@angular/core';
import { MatDialog } from '@angular/material/dialog';
import { firstValueFrom } from 'rxjs';

import { Customer } from '../api/shapes';

/** What the dialog is opened for: a customer that is there, or else one to be added. */
export interface CustomerFormTask {
  customer?: Customer;
}

/** Asks for all that the registry holds of a customer, and writes it. Its code is loaded when it is first needed. */
@Injectable({ providedIn: 'root' })
export class CustomerForm {
  private readonly dialog = inject(MatDialog);

  /** Adds a customer. It gives what the server answered; undefined when the person thought better of it. */
  create(): Promise<Customer | undefined> {
    return this.open({});
  }

  /** Changes a customer. It gives what the server answered; undefined when nothing was changed. */
  edit(customer: Customer): Promise<Customer | undefined> {
    return this.open({ customer });
  }

  private async open(task: CustomerFormTask): Promise<Customer | undefined> {
    const { CustomerFormDialog } = await import('./customer-form-dialog');
    const dialog = this.dialog.open<unknown, CustomerFormTask, Customer>(CustomerFormDialog, {
      data: task,
      disableClose: true, // the dialog asks first when something was typed
      autoFocus: 'first-tabbable',
      width: '560px',
      maxWidth: 'calc(100vw - 24px)',
    });
    return firstValueFrom(dialog.afterClosed());
  }
}
