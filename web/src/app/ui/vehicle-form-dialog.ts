import { COMMA, ENTER, SEMICOLON } from '@angular/cdk/keycodes';
import { ChangeDetectorRef, Component, computed, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { ReactiveFormsModule } from '@angular/forms';
import { MatAutocomplete, MatAutocompleteTrigger, MatOption } from '@angular/material/autocomplete';
import { MatButton } from '@angular/material/button';
import { MatCheckbox } from '@angular/material/checkbox';
import {
  MatChipGrid,
  MatChipInput,
  MatChipInputEvent,
  MatChipRemove,
  MatChipRow,
} from '@angular/material/chips';
import {
  MAT_DIALOG_DATA,
  MatDialogActions,
  MatDialogContent,
  MatDialogRef,
  MatDialogTitle,
} from '@angular/material/dialog';
import { MatError, MatFormField, MatHint, MatLabel, MatSuffix } from '@angular/material/form-field';
import { MatIcon } from '@angular/material/icon';
import { MatInput } from '@angular/material/input';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Policy, Vehicle } from '../api/shapes';
import { Format } from '../words/format';
import { Confirm } from './confirm';
import { CustomerSearch } from './customer-search';
import { Notice } from './notice';
import {
  Owner,
  faultOf,
  forgetRefusals,
  newVehicle,
  ownerOf,
  showPlaces,
  vehicleFields,
  vehiclePatch,
  watchPolicy,
} from './vehicle-fields';
import { VehicleFormTask } from './vehicle-form';

/** The form of a vehicle in a dialog. It closes with what the server answered; what the server refuses stands at its field. */
@Component({
  selector: 'fb-vehicle-form-dialog',
  imports: [
    MatAutocomplete,
    MatAutocompleteTrigger,
    MatButton,
    MatCheckbox,
    MatChipGrid,
    MatChipInput,
    MatChipRemove,
    MatChipRow,
    MatDialogActions,
    MatDialogContent,
    MatDialogTitle,
    MatError,
    MatFormField,
    MatHint,
    MatIcon,
    MatInput,
    MatLabel,
    MatOption,
    MatSuffix,
    Notice,
    ReactiveFormsModule,
  ],
  providers: [CustomerSearch],
  templateUrl: './vehicle-form-dialog.html',
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
    .pair {
      display: flex;
      flex-wrap: wrap;
      gap: 12px;
      padding-block: 8px;
    }
    .pair > * {
      flex: 1 1 12em;
    }
  `,
})
export class VehicleFormDialog {
  private readonly api = inject(Api);
  private readonly confirm = inject(Confirm);
  private readonly format = inject(Format);
  private readonly dialog = inject<MatDialogRef<VehicleFormDialog, Vehicle>>(MatDialogRef);
  private readonly task = inject<VehicleFormTask>(MAT_DIALOG_DATA);
  private readonly changes = inject(ChangeDetectorRef);
  private readonly defaults = signal<Policy | undefined>(undefined);

  protected readonly search = inject(CustomerSearch);
  protected readonly vehicle = this.task.vehicle;
  protected readonly form = vehicleFields(this.vehicle, this.task.known.vin);
  private unchanged = this.form.getRawValue();
  protected readonly separators = [ENTER, COMMA, SEMICOLON];
  protected readonly busy = signal(false);
  protected readonly problem = signal<unknown>(undefined);
  protected readonly faultOf = faultOf;
  protected readonly inherited = computed(() => {
    const policy = this.defaults();
    if (!policy) return $localize`It follows its customer's policy, or else the default.`;
    const late = this.inWords(policy.late_after);
    const offline = this.inWords(policy.offline_after);
    return $localize`It follows its customer's policy, or else the default: late after ${late}:late:, offline after ${offline}:offline:.`;
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
    void this.prepare();
  }

  protected nameOf(owner: Owner | string): string {
    return ownerOf(owner)?.name ?? String(owner);
  }

  /** Seconds in words, such as `1 min 30 sec`. */
  protected inWords(seconds: number | null): string {
    return seconds ? this.format.duration(seconds * 1000) : '';
  }

  protected addTags(event: MatChipInputEvent): void {
    const tags = this.form.controls.tags;
    const fresh = event.value
      .split(/[,;]/)
      .map((tag) => tag.trim())
      .filter(Boolean);
    event.chipInput.clear();
    if (fresh.length === 0) return;
    tags.setValue([...new Set([...tags.value, ...fresh])]);
    tags.markAsDirty();
  }

  protected dropTag(tag: string): void {
    const tags = this.form.controls.tags;
    tags.setValue(tags.value.filter((other) => other !== tag));
    tags.markAsDirty();
  }

  protected dropping(tag: string): string {
    return $localize`Remove ${tag}:tag:`;
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
    if (!this.changed() || (await this.confirm.ask(question))) this.dialog.close();
  }

  // The field of tags calls itself dirty when one only tabs through it, so what is there is compared with what was.
  private changed(): boolean {
    return JSON.stringify(this.form.getRawValue()) !== JSON.stringify(this.unchanged);
  }

  private write(): Promise<Vehicle> {
    const vehicle = this.vehicle;
    if (!vehicle) return this.api.post('/v1/vehicles', { body: newVehicle(this.form) });
    const body = vehiclePatch(this.form, vehicle);
    return this.api.patch('/v1/vehicles/{vin}', { path: { vin: vehicle.vin }, body });
  }

  // What the form says better when it is known, and does without when the server cannot be reached.
  private async prepare(): Promise<void> {
    const id = this.task.known.customerId;
    const owner = id ? this.api.get('/v1/customers/{id}', { path: { id } }) : undefined;
    const policy = this.api.get('/v1/policy').then((policy) => this.defaults.set(policy));
    const { customer } = this.form.controls;
    const found = owner?.then((owner) => {
      this.unchanged = { ...this.unchanged, customer: owner };
      if (customer.pristine) customer.setValue(owner);
    });
    await Promise.allSettled([policy, found]);
    this.changes.markForCheck(); // a control's value is no signal
  }

  private choosePolicy(own: boolean): void {
    watchPolicy(this.form, own);
    const { lateAfter, offlineAfter } = this.form.controls;
    const policy = this.vehicle?.policy ?? this.defaults();
    if (!own || !policy || lateAfter.value !== null || offlineAfter.value !== null) return;
    lateAfter.setValue(policy.late_after);
    offlineAfter.setValue(policy.offline_after);
  }
}
