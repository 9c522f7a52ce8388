import { Period } from '../api/shapes';
import { gapReason } from './gap';
import { presenceName } from './presence';

/** What a period of a vehicle's past was, in the reader's language. */
export function stateName(state: Period['state']): string {
  switch (state) {
    case 'out_of_coverage':
      return $localize`out of coverage`;
    case 'unobserved':
      return $localize`unobserved`;
    case 'unwatched':
      return $localize`not registered`;
    default:
      return presenceName(state);
  }
}

/** What made a period what it was. */
export function causeName(cause: Period['cause']): string {
  switch (cause) {
    case 'heartbeat':
      return $localize`a heartbeat`;
    case 'silence':
      return $localize`silence`;
    case 'never_heard':
      return $localize`never heard`;
    case 'operator':
      return $localize`an operator`;
    case 'buffered_heartbeats':
      return $localize`heartbeats that came later`;
    case 'not_registered':
      return stateName('unwatched');
    case 'observer_silent':
      return gapReason('silent');
    case 'observer_stopped':
      return gapReason('stopped');
    case 'observer_crashed':
      return gapReason('crashed');
    case 'observer_damaged':
      return gapReason('damaged');
  }
}
