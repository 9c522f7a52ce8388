import { StoredPart } from '../api/shapes';

/** What a part of what is stored is called. */
export function partName({ part, length }: StoredPart): string {
  const name = nameOf(part);
  if (length === 'hour') return $localize`${name}:part:, by the hour`;
  if (length === 'day') return $localize`${name}:part:, by the day`;
  return name;
}

function nameOf(part: StoredPart['part']): string {
  switch (part) {
    case 'log':
      return $localize`Log`;
    case 'heartbeats':
      return $localize`Heartbeats`;
    case 'transitions':
      return $localize`Transitions`;
    case 'facts':
      return $localize`Other facts`;
    case 'states':
      return $localize`States of the fleet`;
    case 'snapshots':
      return $localize`Snapshots`;
    case 'registry':
      return $localize`Registry`;
    case 'proof':
      return $localize`Proof`;
    case 'damaged':
      return $localize`Damaged, set aside`;
  }
}
