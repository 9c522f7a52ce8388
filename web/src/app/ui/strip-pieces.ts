import { Gap, Presence, Transition, Vehicle } from '../api/shapes';
import { worstFirst } from '../words/presence';

/** A time in which a vehicle's presence was one and the same. Moments are milliseconds since 1970. */
export interface Stretch {
  from: number;
  /** Infinity while it lasts. */
  to: number;
  /** Undefined where it is not known. */
  presence: Presence | undefined;
  /** What it was before; undefined where that is not known. */
  before: Presence | undefined;
}

/** A part of the strip. */
export interface Piece extends Omit<Stretch, 'before'> {
  /** Whether the server cannot prove that it was listening. */
  unobserved: boolean;
  /** How many stretches it stands for: more than one when they are too short to be told apart. */
  count: number;
}

/** A time from one moment to another, in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/**
 * What is known of a vehicle's presence, oldest first: from its transitions, newest first, and from what it is now. Nothing
 * is said of the time before the oldest of them, nor where two do not follow each other.
 */
export function stretchesOf(
  transitions: readonly Transition[],
  now: Pick<Vehicle, 'presence' | 'since'> | undefined,
): Stretch[] {
  const stretches: Stretch[] = [];
  const begin = (from: number, presence: Presence, before: Presence | undefined) => {
    const last = stretches.at(-1);
    if (last) {
      last.to = from;
      if (last.presence !== before) last.presence = undefined;
    }
    stretches.push({ from, to: Infinity, presence, before });
  };
  for (const { at, from, to } of [...transitions].reverse()) begin(Date.parse(at), to, from);
  const since = now?.since ? Date.parse(now.since) : NaN;
  if (now && since > (stretches.at(-1)?.from ?? -Infinity)) begin(since, now.presence, undefined);
  return stretches;
}

/** The times that were not observed, oldest first, each once; the last one lasts when the server is blind since a moment. */
export function unobservedTimes(gaps: readonly Gap[], blindSince: number | undefined): Span[] {
  const spans = gaps.map((gap) => ({ from: Date.parse(gap.from), to: Date.parse(gap.to) }));
  if (blindSince !== undefined) spans.push({ from: blindSince, to: Infinity });
  spans.sort((a, b) => a.from - b.from);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else joined.push({ ...span });
  }
  return joined;
}

/** The pieces that fill a window without a hole, oldest first. */
export function piecesOf(window: Span, stretches: readonly Stretch[], unobserved: readonly Span[]): Piece[] {
  const pieces: Piece[] = [];
  let filled = window.from;
  const fill = (to: number, presence: Presence | undefined) => {
    if (to > filled) pieces.push({ from: filled, to, presence, unobserved: false, count: 1 });
    filled = Math.max(filled, to);
  };
  for (const { from, to, presence } of stretches) {
    fill(Math.min(from, window.to), undefined);
    fill(Math.min(to, window.to), presence);
  }
  fill(window.to, undefined);
  return pieces.flatMap((piece) => cut(piece, unobserved));
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

/** How much of a span was not observed, in milliseconds. */
export function unobservedIn(span: Span, unobserved: readonly Span[]): number {
  return unobserved.reduce(
    (sum, dark) => sum + Math.max(0, Math.min(span.to, dark.to) - Math.max(span.from, dark.from)),
    0,
  );
}

function cut(piece: Piece, unobserved: readonly Span[]): Piece[] {
  const parts: Piece[] = [];
  let from = piece.from;
  const part = (to: number, dark: boolean) => {
    if (to > from) parts.push({ ...piece, from, to, unobserved: dark });
    from = Math.max(from, to);
  };
  for (const dark of unobserved) {
    part(Math.min(dark.from, piece.to), false);
    part(Math.min(dark.to, piece.to), true);
  }
  part(piece.to, false);
  return parts;
}

function worse(a: Presence | undefined, b: Presence | undefined): Presence | undefined {
  return worstFirst.find((presence) => presence === a || presence === b);
}
