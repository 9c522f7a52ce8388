import { Period, Presence } from '../api/shapes';
import { worstFirst } from '../words/presence';

/** A part of a strip. Moments are milliseconds since 1970. */
export interface Piece {
  from: number;
  to: number;
  /** Undefined where it is not known. */
  presence: Presence | undefined;
  /** Whether the server cannot prove that it was listening. */
  unobserved: boolean;
  /** Whether the vehicle was alive in an outage, as heartbeats show that it delivered later. */
  outOfCoverage: boolean;
  /** How many periods it stands for: more than one when they are too short to be told apart. */
  count: number;
}

/** A time from one moment to another, in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/**
 * The pieces that fill a window without a hole, oldest first, from periods, newest first. The newest period lasts to the
 * window's end, unless the server is blind since a moment: from then on nothing is proven.
 */
export function piecesOf(window: Span, periods: readonly Period[], blindSince: number | undefined): Piece[] {
  const pieces: Piece[] = [];
  let filled = window.from;
  const fill = (to: number, { presence, state }: Partial<Pick<Period, 'presence' | 'state'>>) => {
    const end = Math.min(to, window.to);
    if (end <= filled) return;
    pieces.push({
      from: filled,
      to: end,
      presence: state === 'unwatched' ? undefined : presence,
      unobserved: state === 'unobserved',
      outOfCoverage: state === 'out_of_coverage',
      count: 1,
    });
    filled = end;
  };
  const newest = periods[0];
  for (const period of [...periods].reverse()) {
    const to = Date.parse(period.to);
    fill(Date.parse(period.from), {});
    fill(period === newest ? Math.max(to, blindSince ?? window.to) : to, period);
  }
  fill(window.to, newest ? { ...newest, state: 'unobserved' } : {});
  return pieces;
}

/**
 * Joins neighbours that are each shorter than a length, in milliseconds, into pieces not much longer than it. A joined piece
 * has the worst presence of its parts, so that no outage is lost in a wide view.
 */
export function condense(pieces: readonly Piece[], shortest: number): Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const fits =
      last &&
      last.unobserved === piece.unobserved &&
      last.outOfCoverage === piece.outOfCoverage &&
      (last.presence === undefined) === (piece.presence === undefined) &&
      piece.to - piece.from < shortest &&
      last.to - last.from < shortest;
    if (!fits) {
      joined.push({ ...piece });
      continue;
    }
    last.to = piece.to;
    last.count += piece.count;
    last.presence = worse(last.presence, piece.presence);
  }
  return joined;
}

function worse(a: Presence | undefined, b: Presence | undefined): Presence | undefined {
  return worstFirst.find((presence) => presence === a || presence === b);
}
