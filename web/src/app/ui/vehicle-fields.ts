import { AbstractControl, FormControl, FormGroup, ValidationErrors, Validators } from '@angular/forms';

import { Problem } from '../api/problem';
import { Customer, NewVehicle, Vehicle, VehiclePatch } from '../api/shapes';

/** A customer as a field holds it. */
export type Owner = Pick<Customer, 'id' | 'name'>;

type Fields = ReturnType<typeof controls>;
/** The fields of a vehicle's form. */
export type VehicleFields = FormGroup<Fields>;

/** Seconds; the server's own limit. */
const shortest = 2;

/** The fields of a vehicle, filled with what is there. */
export function vehicleFields(vehicle: Vehicle | undefined, vin = ''): VehicleFields {
  const fields = new FormGroup(controls(vehicle, vin), { validators: lateBeforeOffline });
  if (vehicle) fields.controls.vin.disable();
  watchPolicy(fields, !!vehicle?.own_policy);
  return fields;
}

/** Opens or closes the fields of the vehicle's own policy. */
export function watchPolicy({ controls }: VehicleFields, own: boolean): void {
  for (const field of [controls.lateAfter, controls.offlineAfter]) {
    if (own) field.enable();
    else field.disable();
  }
}

/** What to send in order to add the vehicle. */
export function newVehicle(fields: VehicleFields): NewVehicle {
  const value = fields.getRawValue();
  return {
    vin: value.vin.trim(),
    registration_number: value.registrationNumber.trim(),
    customer_id: ownerOf(value.customer)?.id ?? '',
    tags: value.tags,
    paused: value.paused,
    own_policy: policyOf(fields),
  };
}

/** What to send in order to change the vehicle: only what differs, so that others' changes stay. */
export function vehiclePatch(fields: VehicleFields, vehicle: Vehicle): VehiclePatch {
  const next = newVehicle(fields);
  const patch: VehiclePatch = {};
  if (next.registration_number !== vehicle.registration_number)
    patch.registration_number = next.registration_number ?? '';
  if (next.customer_id !== vehicle.customer_id) patch.customer_id = next.customer_id;
  if (next.tags?.join(';') !== vehicle.tags.join(';')) patch.tags = next.tags ?? [];
  const was = vehicle.own_policy;
  const is = next.own_policy ?? null;
  if (was?.late_after !== is?.late_after || was?.offline_after !== is?.offline_after) patch.own_policy = is;
  return patch;
}

/** Puts what the server found wrong at the fields. It tells whether all of it has a field. */
export function showPlaces(fields: VehicleFields, problem: Problem): boolean {
  if (problem.status === 409) {
    refuse(fields.controls.vin, $localize`This vehicle is registered already`);
    return true;
  }
  const unplaced = problem.places.filter(({ location, message }) => {
    const field = fieldAt(fields.controls, location);
    if (field) refuse(field, message);
    return !field;
  });
  return problem.places.length > 0 && unplaced.length === 0;
}

/** Takes away what the server found wrong before, so that it can be asked again. */
export function forgetRefusals(fields: VehicleFields): void {
  for (const field of Object.values(fields.controls)) field.updateValueAndValidity({ emitEvent: false });
}

/** The customer that was chosen; undefined while there is only a text. */
export function ownerOf(value: Owner | string): Owner | undefined {
  return typeof value === 'string' ? undefined : value;
}

/** What is wrong in a field, in words. */
export function faultOf(field: AbstractControl): string {
  const errors = field.errors;
  if (!errors) return '';
  if (typeof errors['server'] === 'string') return errors['server'];
  if (errors['required']) return $localize`Needed`;
  if (errors['unchosen']) return $localize`Choose one from the list`;
  if (errors['min']) return $localize`At least ${shortest}:seconds: seconds`;
  if (errors['order']) return $localize`Not before late after`;
  if (errors['pattern']) return $localize`Visible characters without a slash`;
  return $localize`Too long`;
}

function controls(vehicle: Vehicle | undefined, vin: string) {
  const text = { nonNullable: true } as const;
  const seconds = { validators: [Validators.required, Validators.min(shortest)] };
  const owner: Owner | string = vehicle ? { id: vehicle.customer_id, name: vehicle.customer_name } : '';
  return {
    vin: new FormControl(vehicle?.vin ?? vin, {
      ...text,
      validators: [Validators.required, Validators.maxLength(64), Validators.pattern(/^\s*[!-.0-~]+\s*$/)],
    }),
    registrationNumber: new FormControl(vehicle?.registration_number ?? '', {
      ...text,
      validators: [Validators.maxLength(64)],
    }),
    customer: new FormControl<Owner | string>(owner, { ...text, validators: [Validators.required, chosen] }),
    tags: new FormControl<string[]>(vehicle?.tags ?? [], text),
    ownPolicy: new FormControl(!!vehicle?.own_policy, text),
    lateAfter: new FormControl<number | null>(vehicle?.own_policy?.late_after ?? null, seconds),
    offlineAfter: new FormControl<number | null>(vehicle?.own_policy?.offline_after ?? null, seconds),
    paused: new FormControl(vehicle?.paused ?? false, text),
  };
}

function chosen({ value }: AbstractControl<Owner | string>): ValidationErrors | null {
  return value !== '' && typeof value === 'string' ? { unchosen: true } : null;
}

// The error stands at the later of the two fields, where a person is when it becomes wrong.
function lateBeforeOffline(group: AbstractControl): ValidationErrors | null {
  const { lateAfter, offlineAfter } = (group as VehicleFields).controls;
  if (!offlineAfter.enabled) return null;
  const wrong = (lateAfter.value ?? 0) > (offlineAfter.value ?? Infinity);
  if (wrong) offlineAfter.setErrors({ order: true });
  else if (offlineAfter.hasError('order')) offlineAfter.updateValueAndValidity({ onlySelf: true });
  return wrong ? { order: true } : null;
}

function policyOf(fields: VehicleFields): NewVehicle['own_policy'] & (object | null) {
  const { ownPolicy, lateAfter, offlineAfter } = fields.getRawValue();
  return ownPolicy ? { late_after: lateAfter ?? 0, offline_after: offlineAfter ?? 0 } : null;
}

function fieldAt(fields: Fields, location: string): AbstractControl | undefined {
  if (location.startsWith('body.tags')) return fields.tags;
  switch (location) {
    case 'body.vin':
      return fields.vin;
    case 'body.registration_number':
      return fields.registrationNumber;
    case 'body.customer_id':
      return fields.customer;
    case 'body.own_policy.offline_after':
      return fields.offlineAfter;
    case 'body.own_policy':
    case 'body.own_policy.late_after':
      return fields.lateAfter;
    default:
      return undefined;
  }
}

function refuse(field: AbstractControl, message: string): void {
  field.setErrors({ server: message });
  field.markAsTouched();
}
