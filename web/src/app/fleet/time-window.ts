import { Span } from '../ui/strip-pieces';

const minute = 60_000; // milliseconds
const hour = 60 * minute;
const day = 24 * hour;

/** How far back one looks at once, in milliseconds. */
export interface Reach {
  length: number;
  /** By which the moment moves. */
  step: number;
  /** Between two counts behind it. */
  points: number;
  /** The same as the API says it. */
  series: string;
}

export type ReachName = '1h' | '24h' | '7d' | '30d';

export const reaches: Record<ReachName, Reach> = {
  '1h': { length: hour, step: 1000, points: minute, series: '1m' },
  '24h': { length: day, step: minute, points: 10 * minute, series: '10m' },
  '7d': { length: 7 * day, step: 10 * minute, points: hour, series: 'hour' },
  '30d': { length: 30 * day, step: hour, points: 6 * hour, series: '6h' },
};

/** The time that is offered: up to now when a moment lies in that, else around the moment. It moves by steps of points. */
export function windowOf({ length, points }: Reach, past: number | undefined, now: number): Span {
  const end = Math.ceil(now / points) * points;
  if (past === undefined || past >= end - length) return { from: end - length, to: end };
  const middle = Math.round(past / points) * points;
  return { from: middle - length / 2, to: middle + length / 2 };
}
