import { Transition } from '../api/shapes';

/** What tells a transition from all others. */
export function transitionKey({ position, vin, at, to }: Transition): string {
  return `${position} ${at} ${vin} ${to}`;
}

/** Orders transitions newest first: by their place in the log, then by their moment. */
export function newestFirst(a: Transition, b: Transition): number {
  return b.position - a.position || Date.parse(b.at) - Date.parse(a.at);
}

/** Two lists of transitions as one, newest first, each transition once. */
export function joinTransitions(a: readonly Transition[], b: readonly Transition[]): Transition[] {
  const all = new Map([...a, ...b].map((one) => [transitionKey(one), one]));
  return [...all.values()].sort(newestFirst);
}
