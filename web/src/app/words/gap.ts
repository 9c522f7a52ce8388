import { Gap } from '../api/shapes';

/** Why a time was not observed. */
export function gapReason(reason: Gap['reason']): string {
  switch (reason) {
    case 'silent':
      return $localize`the server did not hear itself`;
    case 'stopped':
      return $localize`the server was stopped`;
    case 'crashed':
      return $localize`the server crashed`;
    case 'damaged':
      return $localize`a part of the log was damaged`;
  }
}
