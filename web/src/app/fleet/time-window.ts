import { Reach } from '../ui/reach';
import { Span } from '../ui/strip-pieces';

/** The time that is offered: up to now when a moment lies in that, else around the moment. It moves by steps of points. */
export function windowOf({ length, points }: Reach, past: number | undefined, now: number): Span {
  const end = Math.ceil(now / points) * points;
  if (past === undefined || past >= end - length) return { from: end - length, to: end };
  const middle = Math.round(past / points) * points;
  return { from: middle - length / 2, to: middle + length / 2 };
}
