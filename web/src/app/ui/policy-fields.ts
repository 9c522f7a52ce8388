import { Component, inject, input } from '@angular/core';
import {
  AbstractControl,
  FormControl,
  FormGroup,
  ReactiveFormsModule,
  ValidationErrors,
  Validators,
} from '@angular/forms';
import { MatError, MatFormField, MatHint, MatLabel } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';

import { Policy } from '../api/shapes';
import { readAfter, writeAfter } from '../words/after';
import { Format } from '../words/format';

const shortest = 2; // seconds; the server's own limit

/** The fields of a policy. */
export type PolicyGroup = FormGroup<{ lateAfter: FormControl<string>; offlineAfter: FormControl<string> }>;

/** The fields of a policy, filled with one; empty without. */
export function policyGroup(policy?: Policy | null): PolicyGroup {
  const options = { nonNullable: true as const, validators: [Validators.required, length] };
  return new FormGroup(
    {
      lateAfter: new FormControl(policy ? writeAfter(policy.late_after) : '', options),
      offlineAfter: new FormControl(policy ? writeAfter(policy.offline_after) : '', options),
    },
    { validators: lateBeforeOffline },
  );
}

/** Fills the fields with a policy. */
export function setPolicy(group: PolicyGroup, policy: Policy): void {
  group.setValue({
    lateAfter: writeAfter(policy.late_after),
    offlineAfter: writeAfter(policy.offline_after),
  });
}

/** What the fields say. */
export function policyOf(group: PolicyGroup): Policy {
  const { lateAfter, offlineAfter } = group.getRawValue();
  return { late_after: readAfter(lateAfter), offline_after: readAfter(offlineAfter) };
}

/** Puts what the server found wrong at its field. It tells whether the place is one of a policy. */
export function refusePolicy(group: PolicyGroup, location: string, message: string): boolean {
  const { lateAfter, offlineAfter } = group.controls;
  const field = /(late_after|own_policy)$/.test(location)
    ? lateAfter
    : location.endsWith('offline_after') && offlineAfter;
  if (!field) return false;
  field.setErrors({ server: message });
  field.markAsTouched();
  return true;
}

/** How long a vehicle may be silent: two fields, and what they say in words. */
@Component({
  selector: 'fb-policy-fields',
  imports: [MatError, MatFormField, MatHint, MatInput, MatLabel, ReactiveFormsModule],
  template: `
    <ng-container [formGroup]="group()">
      <mat-form-field hideRequiredMarker>
        <mat-label i18n>Late after</mat-label>
        <input matInput formControlName="lateAfter" autocomplete="off" spellcheck="false" />
        <mat-hint>{{ words(group().controls.lateAfter.value) }}</mat-hint>
        <mat-error>{{ fault(group().controls.lateAfter) }}</mat-error>
      </mat-form-field>
      <mat-form-field hideRequiredMarker>
        <mat-label i18n>Offline after</mat-label>
        <input matInput formControlName="offlineAfter" autocomplete="off" spellcheck="false" />
        <mat-hint>{{ words(group().controls.offlineAfter.value) }}</mat-hint>
        <mat-error>{{ fault(group().controls.offlineAfter) }}</mat-error>
      </mat-form-field>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      gap: 12px;
      padding-block: 8px;
    }
    mat-form-field {
      flex: 1 1 12em;
    }
  `,
})
export class PolicyFields {
  private readonly format = inject(Format);
  readonly group = input.required<PolicyGroup>();

  /** What a field says, in words; how to fill it while it says nothing. */
  protected words(text: string): string {
    const seconds = readAfter(text);
    return seconds >= 1 ? this.format.duration(seconds * 1000) : $localize`Seconds, or like 1m30s`;
  }

  protected fault({ errors }: AbstractControl): string {
    if (!errors) return '';
    if (typeof errors['server'] === 'string') return errors['server'];
    if (errors['required']) return $localize`Needed`;
    if (errors['length']) return $localize`Seconds, or like 1m30s`;
    if (errors['order']) return $localize`Not before late after`;
    return $localize`At least ${shortest}:seconds: seconds`;
  }
}

function length({ value }: AbstractControl<string>): ValidationErrors | null {
  const seconds = readAfter(value);
  if (value !== '' && Number.isNaN(seconds)) return { length: true };
  return seconds < shortest ? { short: true } : null;
}

// The error stands at the later of the two fields, where a person is when it becomes wrong.
function lateBeforeOffline(group: AbstractControl): ValidationErrors | null {
  const { lateAfter, offlineAfter } = (group as PolicyGroup).controls;
  if (!offlineAfter.enabled) return null;
  const wrong = readAfter(lateAfter.value) > readAfter(offlineAfter.value);
  if (wrong) offlineAfter.setErrors({ order: true });
  else if (offlineAfter.hasError('order')) offlineAfter.updateValueAndValidity({ onlySelf: true });
  return wrong ? { order: true } : null;
}
