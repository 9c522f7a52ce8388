import {
  AbstractControl,
  FormControl,
  FormGroup,
  ValidationErrors,
  ValidatorFn,
  Validators,
} from '@angular/forms';

import { Problem } from '../api/problem';
import { Customer, CustomerPatch, NewCustomer } from '../api/shapes';
import { policyGroup, policyOf, refusePolicy } from './policy-fields';

/** The fields of a customer's form. */
export type CustomerFields = ReturnType<typeof customerFields>;

/** The fields of a customer, filled with what is there. */
export function customerFields(customer?: Customer) {
  const fields = new FormGroup({
    id: text(customer?.id, [Validators.maxLength(64), Validators.pattern(/^\s*[A-Za-z0-9._-]*\s*$/)]),
    name: text(customer?.name, [Validators.required, needed, Validators.maxLength(200)]),
    address: text(customer?.address, [Validators.maxLength(400)]),
    ownPolicy: new FormControl(!!customer?.own_policy, { nonNullable: true }),
    policy: policyGroup(customer?.own_policy),
  });
  if (customer) fields.controls.id.disable();
  if (!customer?.own_policy) fields.controls.policy.disable();
  return fields;
}

/** What to send in order to add the customer. */
export function newCustomer(fields: CustomerFields): NewCustomer {
  const { id, name, address } = fields.getRawValue();
  return {
    ...(id.trim() && { id: id.trim() }),
    name: name.trim(),
    address: address.trim(),
    own_policy: ownPolicy(fields),
  };
}

/** What to send in order to change the customer: only what differs, so that others' changes stay. */
export function customerPatch(fields: CustomerFields, customer: Customer): CustomerPatch {
  const { name, address } = fields.getRawValue();
  const patch: CustomerPatch = {};
  if (name.trim() !== customer.name) patch.name = name.trim();
  if (address.trim() !== customer.address) patch.address = address.trim();
  const was = customer.own_policy;
  const is = ownPolicy(fields);
  if (was?.late_after !== is?.late_after || was?.offline_after !== is?.offline_after) patch.own_policy = is;
  return patch;
}

/** Puts what the server found wrong at the fields. It tells whether all of it has a field. */
export function showPlaces(fields: CustomerFields, problem: Problem): boolean {
  const { id, name, address, policy } = fields.controls;
  if (problem.status === 409) return refuse(id, $localize`This id is taken`);
  const unplaced = problem.places.filter(({ location, message }) => {
    const field = { 'body.id': id, 'body.name': name, 'body.address': address }[location];
    return field ? !refuse(field, message) : !refusePolicy(policy, location, message);
  });
  return problem.places.length > 0 && unplaced.length === 0;
}

/** Takes away what the server found wrong before, so that it can be asked again. */
export function forgetRefusals({ controls }: CustomerFields): void {
  for (const field of [...Object.values(controls), ...Object.values(controls.policy.controls)])
    field.updateValueAndValidity({ emitEvent: false });
}

/** What is wrong in a field, in words. */
export function faultOf({ errors }: AbstractControl): string {
  if (!errors) return '';
  if (typeof errors['server'] === 'string') return errors['server'];
  if (errors['required']) return $localize`Needed`;
  if (errors['maxlength']) return $localize`Too long`;
  return $localize`Letters A to Z, digits, dot, underscore and hyphen`;
}

function text(value: string | undefined, validators: ValidatorFn[]) {
  return new FormControl(value ?? '', { nonNullable: true, validators });
}

function needed({ value }: AbstractControl<string>): ValidationErrors | null {
  return value.trim() === '' ? { required: true } : null;
}

function ownPolicy(fields: CustomerFields) {
  return fields.controls.ownPolicy.value ? policyOf(fields.controls.policy) : null;
}

function refuse(field: AbstractControl, message: string): true {
  field.setErrors({ server: message });
  field.markAsTouched();
  return true;
}
