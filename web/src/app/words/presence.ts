import { Presence } from '../api/shapes';

/** In the order of the wire: a cell of the grid is an index into it. */
export const wirePresences: readonly Presence[] = ['unknown', 'online', 'late', 'offline', 'paused'];

/** In the order in which people want to read them. */
export const presences: readonly Presence[] = ['online', 'late', 'offline', 'unknown', 'paused'];

/** From what has to be looked at first to what has not. */
export const worstFirst: readonly Presence[] = ['offline', 'late', 'unknown', 'paused', 'online'];

export function isPresence(text: string): text is Presence {
  return (wirePresences as readonly string[]).includes(text);
}

/** A presence in the reader's language. */
export function presenceName(presence: Presence): string {
  switch (presence) {
    case 'online':
      return $localize`online`;
    case 'late':
      return $localize`late`;
    case 'offline':
      return $localize`offline`;
    case 'unknown':
      return $localize`unknown`;
    case 'paused':
      return $localize`paused`;
  }
}

/** What a presence means, in a sentence. */
export function presenceMeaning(presence: Presence): string {
  switch (presence) {
    case 'online':
      return $localize`Heard within its policy`;
    case 'late':
      return $localize`Silent longer than its policy's late-after`;
    case 'offline':
      return $localize`Silent longer than its policy's offline-after, while the server was listening`;
    case 'unknown':
      return $localize`Never heard`;
    case 'paused':
      return $localize`An operator stopped watching it`;
  }
}
