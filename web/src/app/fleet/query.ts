import { ParamMap, Params } from '@angular/router';

import { Presence } from '../api/shapes';
import { isPresence } from '../words/presence';

/** What vehicles can be sorted by. A leading - turns the order round. */
export const sorts = ['vin', 'registration_number', 'customer', 'since', 'last_heartbeat_at'] as const;
export type SortKey = (typeof sorts)[number];
export type Sort = SortKey | `-${SortKey}`;

/** What the fleet screen shows: the grid, the table or both. */
export type View = 'both' | 'grid' | 'table';

/** What is asked for on the fleet screen. All of it stands in the address, so that a view can be kept and shared. */
export interface FleetQuery {
  text: string;
  /** Any of these, by id; empty for all. */
  customers: string[];
  /** Any of these; empty for all. */
  presences: Presence[];
  /** All of these. */
  tags: string[];
  sort: Sort;
  view: View;
  /** The moment as of which it is shown, RFC 3339 in UTC; empty for now. */
  at: string;
}

/** The query of an address. What it does not understand in it, it leaves aside. */
export function readQuery(params: ParamMap): FleetQuery {
  const sort = params.get('sort') ?? '';
  const view = params.get('view');
  return {
    text: params.get('q') ?? '',
    customers: params.getAll('customer'),
    presences: params
      .getAll('presence')
      .flatMap((list) => list.split(','))
      .filter(isPresence),
    tags: params.getAll('tag'),
    sort: isSort(sort) ? sort : 'vin',
    view: view === 'grid' || view === 'table' ? view : 'both',
    at: params.has('wall') ? '' : momentOf(params.get('at')), // a wall shows the present
  };
}

/** The parameters of a query's address; null takes one out. */
export function writeQuery(query: FleetQuery): Params {
  return {
    q: query.text || null,
    customer: query.customers.length > 0 ? query.customers : null,
    presence: query.presences.length > 0 ? query.presences : null,
    tag: query.tags.length > 0 ? query.tags : null,
    sort: query.sort === 'vin' ? null : query.sort,
    view: query.view === 'both' ? null : query.view,
    at: query.at || null,
  };
}

/** Whether the query leaves any vehicle out. */
export function isFiltered(query: FleetQuery): boolean {
  return query.text !== '' || query.customers.length + query.presences.length + query.tags.length > 0;
}

export function sameQuery(a: FleetQuery, b: FleetQuery): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A list without an item that it has, or with one that it has not. */
export function toggled<T>(list: readonly T[], item: T): T[] {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
}

/** The parameters of the API that stand for a query's moment and filters. */
export function filterParameters(query: FleetQuery) {
  return {
    ...atParameter(query.at),
    q: query.text.trim(),
    customer: query.customers,
    presence: query.presences,
    tag: query.tags,
  };
}

/** The parameter of the API that stands for a moment; none for now. */
export function atParameter(at: string): { at?: string } {
  return at ? { at } : {};
}

function momentOf(text: string | null): string {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
}

function isSort(text: string): text is Sort {
  return (sorts as readonly string[]).includes(text.replace(/^-/, ''));
}
