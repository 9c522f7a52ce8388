import { Gap, Transition } from '../api/shapes';
import { transitionKey } from '../live/transitions';

/** A row of the list. */
export type Entry =
  | { kind: 'transition'; key: string; transition: Transition }
  | { kind: 'gap'; key: string; gap: Gap }
  /** Offers what is older. */
  | { kind: 'older'; key: string };

/**
 * Transitions with the gaps at their places in the log, both newest first. Gaps that are older than the oldest transition
 * are left out as long as there are older transitions to come between.
 */
export function entriesOf(
  transitions: readonly Transition[],
  gaps: readonly Gap[],
  more: boolean,
  offerOlder: boolean,
): Entry[] {
  const entries: Entry[] = [];
  let next = 0;
  const gapsAfter = (position: number) => {
    for (let gap = gaps[next]; gap && gap.position > position; gap = gaps[++next]) {
      entries.push({ kind: 'gap', key: `gap ${gap.position}`, gap });
    }
  };
  for (const transition of transitions) {
    gapsAfter(transition.position);
    entries.push({ kind: 'transition', key: transitionKey(transition), transition });
  }
  if (!more) gapsAfter(-1);
  if (offerOlder) entries.push({ kind: 'older', key: 'older' });
  return entries;
}
