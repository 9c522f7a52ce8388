import { Uptime } from '../../api/shapes';

/** The parts of a bar, from its foot to its top. */
export const parts = ['connected', 'disconnected', 'unobserved', 'paused'] as const;
export type Part = (typeof parts)[number];

/** The parts from the top to the foot: so they are drawn, what reaches less far before what reaches farther. */
export const downwards: readonly Part[] = [...parts].reverse();

/**
 * The heights of the bars, in percent of the time that each is about: for each part, how far up it reaches together with
 * those below it. A bar of no time has none.
 */
export function stack(items: readonly Uptime[]): Record<Part, (number | null)[]> {
  const heights = items.map((item) => {
    const whole = parts.reduce((sum, part) => sum + item[part], 0);
    let below = 0;
    return parts.map((part) => (whole > 0 ? (100 * (below += item[part])) / whole : null));
  });
  const of = (part: Part) => heights.map((bar) => bar[parts.indexOf(part)] ?? null);
  return {
    connected: of('connected'),
    disconnected: of('disconnected'),
    unobserved: of('unobserved'),
    paused: of('paused'),
  };
}
