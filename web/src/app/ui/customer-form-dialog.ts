import { Component, computed, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { ReactiveFormsModule } from '@angular/forms';
import { MatButton } from '@angular/material/button';
import { MatCheckbox } from '@angular/material/checkbox';
import {
  MAT_DIALOG_DATA,
  MatDialogActions,
  MatDialogContent,
  MatDialogRef,
  MatDialogTitle,
} from '@angular/material/dialog';
import { MatError, MatFormField, MatHint, MatLabel } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Customer, Policy } from '../api/shapes';
import { Format } from '../words/format';
import { Confirm } from './confirm';
import {
  customerFields,
  customerPatch,
  faultOf,
  forgetRefusals,
  newCustomer,
  showPlaces,
} from './customer-fields';
import { CustomerFormTask } from './customer-form';
import { Notice } from './notice';
import { PolicyFields, setPolicy } from './policy-fields';

/** The form of a customer in a dialog. It closes with what the server answered; what the server refuses stands at its field. */
@Component({
  selector: 'fb-customer-form-dialog',
  imports: [
    MatButton,
    MatCheckbox,
    MatDialogActions,
    MatDialogContent,
    MatDialogTitle,
    MatError,
    MatFormField,
    MatHint,
    MatInput,
    MatLabel,
    Notice,
    PolicyFields,
    ReactiveFormsModule,
  ],
  templateUrl: './customer-form-dialog.html',
  styles: `
    .fields {
      display: flex;
      flex-direction: column;
      gap: 16px;
      padding-block-start: 8px !important; /* Material takes away the room that an outlined label needs */
    }
    fieldset {
      margin: 0;
      padding: 4px 12px 8px;
      border: 1px solid var(--mat-sys-outline-variant);
      border-radius: 8px;
    }
    legend {
      padding: 0 4px;
      color: var(--mat-sys-on-surface-variant);
      font: var(--mat-sys-label-medium);
    }
    fieldset p {
      margin: 0 0 8px;
    }
  `,
})
export class CustomerFormDialog {
  private readonly api = inject(Api);
  private readonly confirm = inject(Confirm);
  private readonly format = inject(Format);
  private readonly dialog = inject<MatDialogRef<CustomerFormDialog, Customer>>(MatDialogRef);
  private readonly defaults = signal<Policy | undefined>(undefined);

  protected readonly customer = inject<CustomerFormTask>(MAT_DIALOG_DATA).customer;
  protected readonly form = customerFields(this.customer);
  protected readonly busy = signal(false);
  protected readonly problem = signal<unknown>(undefined);
  protected readonly faultOf = faultOf;
  protected readonly inherited = computed(() => {
    const policy = this.defaults();
    if (!policy) return $localize`Its vehicles follow the default policy.`;
    const late = this.format.duration(policy.late_after * 1000);
    const offline = this.format.duration(policy.offline_after * 1000);
    return $localize`Its vehicles follow the default policy: late after ${late}:late:, offline after ${offline}:offline:.`;
  });

  constructor() {
    const { ownPolicy } = this.form.controls;
    ownPolicy.valueChanges.pipe(takeUntilDestroyed()).subscribe((own) => this.choosePolicy(own));
    this.dialog
      .keydownEvents()
      .pipe(takeUntilDestroyed())
      .subscribe((event) => event.key === 'Escape' && void this.leave());
    this.dialog
      .backdropClick()
      .pipe(takeUntilDestroyed())
      .subscribe(() => void this.leave());
    // The form says it better when it is known, and does without when the server cannot be reached.
    this.api.get('/v1/policy').then(
      (policy) => this.defaults.set(policy),
      () => undefined,
    );
  }

  protected async save(): Promise<void> {
    forgetRefusals(this.form);
    this.form.markAllAsTouched();
    if (this.form.invalid || this.busy()) return;
    this.busy.set(true);
    this.problem.set(undefined);
    try {
      this.dialog.close(await this.write());
    } catch (error) {
      if (!(error instanceof Problem && showPlaces(this.form, error))) this.problem.set(error);
    } finally {
      this.busy.set(false);
    }
  }

  protected async leave(): Promise<void> {
    const question = {
      title: $localize`Leave without saving?`,
      text: $localize`What you changed here has not been saved.`,
      act: $localize`Leave`,
    };
    if (!this.form.dirty || (await this.confirm.ask(question))) this.dialog.close();
  }

  private write(): Promise<Customer> {
    const customer = this.customer;
    if (!customer) return this.api.post('/v1/customers', { body: newCustomer(this.form) });
    const body = customerPatch(this.form, customer);
    return this.api.patch('/v1/customers/{id}', { path: { id: customer.id }, body });
  }

  private choosePolicy(own: boolean): void {
    const { policy } = this.form.controls;
    if (own) policy.enable();
    else policy.disable();
    const defaults = this.defaults();
    if (own && defaults && policy.getRawValue().lateAfter === '') setPolicy(policy, defaults);
  }
}
