const minute = 60_000; // milliseconds
const hour = 60 * minute;
const day = 24 * hour;

/** How far back one looks at once, in milliseconds. */
export interface Reach {
  length: number;
  /** By which a moment in it moves. */
  step: number;
  /** Between two counts in it. */
  points: number;
  /** The same as the API says it. */
  series: string;
  /** How the API cuts uptime in it. */
  uptime: string;
}

export type ReachName = '1h' | '24h' | '7d' | '30d';

export const reaches: Record<ReachName, Reach> = {
  '1h': { length: hour, step: 1000, points: minute, series: '1m', uptime: '5m' },
  '24h': { length: day, step: minute, points: 10 * minute, series: '10m', uptime: 'hour' },
  '7d': { length: 7 * day, step: 10 * minute, points: hour, series: 'hour', uptime: 'day' },
  '30d': { length: 30 * day, step: hour, points: 6 * hour, series: '6h', uptime: 'day' },
};

/** The reach that an address names; a day when it names none. */
export function readReach(text: string | undefined): ReachName {
  return text && Object.hasOwn(reaches, text) ? (text as ReachName) : '24h';
}
