import { ParamMap, Params } from '@angular/router';

import { Presence } from '../api/shapes';
import { isPresence } from '../words/presence';

/** Which transitions are asked for. All of it stands in the address. */
export interface ActivityQuery {
  /** Changes to any of these; empty for all. */
  to: Presence[];
  /** Of the vehicles of any of these, by id; empty for all. */
  customers: string[];
  /** Of this vehicle, by VIN; empty for all. */
  vehicle: string;
}

/** The query of an address. What it does not understand in it, it leaves aside. */
export function readQuery(params: ParamMap): ActivityQuery {
  return {
    to: params
      .getAll('to')
      .flatMap((list) => list.split(','))
      .filter(isPresence),
    customers: params.getAll('customer'),
    vehicle: params.get('vehicle') ?? '',
  };
}

/** The parameters of a query's address; null takes one out. */
export function writeQuery({ to, customers, vehicle }: ActivityQuery): Params {
  return {
    to: to.length > 0 ? to : null,
    customer: customers.length > 0 ? customers : null,
    vehicle: vehicle || null,
  };
}

/** Whether the query leaves anything out. */
export function isFiltered({ to, customers, vehicle }: ActivityQuery): boolean {
  return to.length + customers.length > 0 || vehicle !== '';
}

/** The query as the API takes it. */
export function parameters({ to, customers, vehicle }: ActivityQuery) {
  return {
    ...(to.length > 0 && { to }),
    ...(customers.length > 0 && { customer: customers }),
    ...(vehicle && { vehicle }),
  };
}
