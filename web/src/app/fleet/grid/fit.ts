import { Shape, Span, Strips, bandHeight, place } from './strips';

/** The room that the grid has, in device pixels. */
export interface Room {
  width: number;
  height: number;
  /** Device pixels in a CSS pixel. */
  scale: number;
  /** Whether it may not be higher than the room: when even the smallest cells do not fit, vehicles share cells. */
  whole: boolean;
  /** The height of a name, in CSS pixels. */
  nameHeight: number;
}

// All in CSS pixels.
const largestPitch = 28;
const largestWhole = 72; // of a grid that has to be read from afar
const bestBand = 110; // height of a band that is easy to look along
const namesFrom = 5; // pitch from which names stand above the groups
const widthsOfNames = [200, 90, 36]; // what a group's name has at least: wide while cells are of the largest size
const crampedBelow = 13; // pitch under which narrow names are better than smaller cells

/** Names are left out where they have less width than this, in CSS pixels. */
export const leastNameWidth = 36;

const rowFactors = [1, 0.75, 1.35, 0.5, 1.8, 0.33, 2.6, 0.2, 0.12];
const mostShared = 4096;

/** The strips with the largest cells that fit into a room. */
export function fit(groups: readonly Span[], room: Room): Strips {
  const vehicles = groups.reduce((sum, group) => sum + group.vehicles, 0);
  const smallest = room.whole ? 1 : Math.max(1, Math.floor(room.scale));
  const largest = Math.max(smallest, Math.round((room.whole ? largestWhole : largestPitch) * room.scale));
  const area = room.width * room.height;
  for (let pitch = largest; pitch >= smallest; pitch--) {
    if (vehicles * pitch * pitch > area) continue;
    for (const least of leastWidths(pitch, largest, room)) {
      for (const shape of shapes(pitch, 1, least, room)) {
        if (heightOf(groups, room, shape) <= room.height) return new Strips(groups, room.width, shape);
      }
    }
  }
  if (!room.whole) return lowest(groups, room, shapes(smallest, 1, 0, room));
  return shared(groups, room);
}

// What a group takes of the width at least, the best first; 0 where cells are too small for names.
function leastWidths(pitch: number, largest: number, { scale, width }: Room): number[] {
  if (pitch < namesFrom * scale) return [0];
  const widths = widthsOfNames.filter(
    (name) => (name < 100 || pitch === largest) && (name > 50 || pitch < crampedBelow * scale),
  );
  return widths.map((name) => Math.min(Math.round(name * scale), width));
}

function heightOf(groups: readonly Span[], room: Room, shape: Shape): number {
  return place(groups, room.width, shape) * bandHeight(shape);
}

function lowest(groups: readonly Span[], room: Room, candidates: Shape[]): Strips {
  const heights = candidates.map((shape) => heightOf(groups, room, shape));
  const best = candidates[heights.indexOf(Math.min(...heights))] as Shape;
  return new Strips(groups, room.width, best);
}

function shared(groups: readonly Span[], room: Room): Strips {
  let candidates: Shape[] = [];
  for (let share = 2; share <= mostShared; share = Math.ceil(share * 1.25)) {
    candidates = shapes(1, share, 0, room);
    const fitting = candidates.find((shape) => heightOf(groups, room, shape) <= room.height);
    if (fitting) return new Strips(groups, room.width, fitting);
  }
  return lowest(groups, room, candidates);
}

// Shapes with one size of cells, the best first. Fewer rows waste less when groups are small.
function shapes(pitch: number, share: number, least: number, { scale, nameHeight }: Room): Shape[] {
  const best = Math.min(64, Math.max(3, Math.round((bestBand * scale) / pitch)));
  const between = Math.round(pitch * 0.6);
  const gap = Math.min(Math.max(between, Math.round(scale)), 12 * scale);
  const rows = [...new Set(rowFactors.map((factor) => Math.max(1, Math.round(best * factor))))];
  const named = least > 0;
  const head = named ? Math.round(nameHeight * scale) + Math.min(between, Math.round(6 * scale)) : gap;
  return rows.map((rows) => ({ pitch, rows, head, gap, least, share, named }));
}
