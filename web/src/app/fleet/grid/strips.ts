/** Consecutive cells of the grid that belong together. */
export interface Span {
  /** Index of its first cell. */
  start: number;
  vehicles: number;
}

/** The measures of the strips, in device pixels unless said. */
export interface Shape {
  /** From one cell to the next, both ways; what is free between two cells is a part of it. */
  pitch: number;
  /** Cells above each other in a band. */
  rows: number;
  /** Free above each band, where names may stand. */
  head: number;
  /** Free between two groups in a band. */
  gap: number;
  /** What a group takes of a band's width at least, so that there is room for its name. */
  least: number;
  /** Vehicles that share a cell. More than one only when not even the smallest cells fit. */
  share: number;
  /** Whether names stand in the head. */
  named: boolean;
}

/** A part of a group in one band. */
export interface Piece {
  group: number;
  x: number;
  y: number;
  width: number;
}

export type Step = 'up' | 'down' | 'left' | 'right' | 'start' | 'end' | 'previous' | 'next';

/**
 * Where each cell stands. The box is cut into bands; in a band the cells fill column by column from top to bottom, one group
 * after the other, each beginning with a new column, and go on in the next band when it is full. To find a cell's place, or
 * the cell at a place, takes the logarithm of the number of groups.
 */
export class Strips {
  readonly bands: number;
  /** Of all bands, in device pixels. */
  readonly height: number;
  /** From one band to the next, in device pixels. */
  readonly bandHeight: number;
  private readonly firstBand: Uint32Array; // by group
  private readonly firstX: Uint32Array; // by group, of its first column
  private readonly columns: number; // in a whole band

  constructor(
    readonly groups: readonly Span[],
    readonly width: number,
    readonly shape: Shape,
  ) {
    this.columns = Math.max(1, Math.floor(width / shape.pitch));
    this.bandHeight = bandHeight(shape);
    this.firstBand = new Uint32Array(groups.length);
    this.firstX = new Uint32Array(groups.length);
    this.bands = place(groups, width, shape, (group, band, x) => {
      this.firstBand[group] = band;
      this.firstX[group] = x;
    });
    this.height = this.bands * this.bandHeight;
  }

  /** How many cells a group has. */
  slots(group: number): number {
    return Math.ceil((this.groups[group]?.vehicles ?? 0) / this.shape.share);
  }

  /** The group of a cell; -1 when it is in none of them. */
  groupOf(index: number): number {
    const group = lastWhere(this.groups.length, (g) => (this.groups[g]?.start ?? 0) <= index);
    const span = this.groups[group];
    return span && index < span.start + span.vehicles ? group : -1;
  }

  /** Where a cell stands; undefined when it is in none of the groups. */
  placeOf(index: number): { x: number; y: number } | undefined {
    const group = this.groupOf(index);
    const span = this.groups[group];
    if (!span) return undefined;
    const { pitch, rows, head, share } = this.shape;
    const slot = Math.floor((index - span.start) / share);
    const { band, x } = this.columnPlace(group, Math.floor(slot / rows));
    return { x, y: band * this.bandHeight + head + (slot % rows) * pitch };
  }

  /** The cell at a place: the index of its first vehicle, or -1 where there is none. */
  at(x: number, y: number): number {
    const { pitch, rows, head, share } = this.shape;
    const band = Math.floor(y / this.bandHeight);
    const row = Math.floor((y - band * this.bandHeight - head) / pitch);
    if (x < 0 || x >= this.width || row < 0 || row >= rows || band < 0 || band >= this.bands) return -1;
    const group = this.groupAt(band, x);
    const from = band === this.firstBand[group] ? (this.firstX[group] ?? 0) : 0;
    const inBand = Math.floor((x - from) / pitch);
    if (inBand >= Math.floor((this.width - from) / pitch)) return -1;
    const slot = (this.columnsBefore(group, band) + inBand) * rows + row;
    return slot < this.slots(group) ? (this.groups[group]?.start ?? 0) + slot * share : -1;
  }

  /** Visits the columns that stand in some bands: where each begins, its group, its first slot, and how many it has. */
  visit(
    from: number,
    to: number,
    see: (x: number, y: number, group: number, slot: number, count: number) => void,
  ): void {
    const { pitch, rows, head } = this.shape;
    for (let group = Math.max(0, this.groupAt(from, 0)); group < this.groups.length; group++) {
      let band = Math.max(from, this.firstBand[group] ?? 0);
      if (band >= to) return;
      let x = band === this.firstBand[group] ? (this.firstX[group] ?? 0) : 0;
      const slots = this.slots(group);
      for (let slot = this.columnsBefore(group, band) * rows; slot < slots && band < to; slot += rows) {
        see(x, band * this.bandHeight + head, group, slot, Math.min(rows, slots - slot));
        x += pitch;
        if (x + pitch > this.width) {
          x = 0;
          band++;
        }
      }
    }
  }

  /** The parts of groups that stand in some bands. */
  pieces(from: number, to: number): Piece[] {
    const found: Piece[] = [];
    for (let group = Math.max(0, this.groupAt(from, 0)); group < this.groups.length; group++) {
      const all = Math.ceil(this.slots(group) / this.shape.rows);
      for (let band = Math.max(from, this.firstBand[group] ?? 0); ; band++) {
        if (band >= to) return found;
        const before = this.columnsBefore(group, band);
        if (before >= all) break;
        const x = before === 0 ? (this.firstX[group] ?? 0) : 0;
        const columns = Math.min(all - before, Math.floor((this.width - x) / this.shape.pitch));
        const width = Math.max(columns * this.shape.pitch, before === 0 ? this.shape.least : 0);
        found.push({ group, x, y: band * this.bandHeight, width: Math.min(width, this.width - x) });
      }
    }
    return found;
  }

  /** The cell that a step from a cell leads to; the same when there is none. */
  step(index: number, step: Step): number {
    const group = this.groupOf(index);
    const span = this.groups[group];
    if (!span) return index;
    const { rows, share } = this.shape;
    const slot = Math.floor((index - span.start) / share);
    const last = this.slots(group) - 1;
    switch (step) {
      case 'start':
        return span.start;
      case 'end':
        return span.start + last * share;
      case 'previous':
        return this.slotIndex(group - 1, 0) ?? span.start;
      case 'next':
        return this.slotIndex(group + 1, 0) ?? index;
      case 'up':
        return slot > 0 ? index - share : (this.slotIndex(group - 1, Infinity) ?? index);
      case 'down':
        return slot < last ? index + share : (this.slotIndex(group + 1, 0) ?? index);
      case 'left':
        if (slot >= rows) return index - rows * share;
        return this.inColumn(group - 1, Infinity, slot % rows) ?? index;
      case 'right':
        if (Math.floor(slot / rows) < Math.floor(last / rows))
          return this.slotIndex(group, slot + rows) ?? index;
        return this.inColumn(group + 1, 0, slot % rows) ?? index;
    }
  }

  private inColumn(group: number, column: number, row: number): number | undefined {
    const last = Math.floor((this.slots(group) - 1) / this.shape.rows);
    return this.slotIndex(group, Math.min(column, last) * this.shape.rows + row);
  }

  private slotIndex(group: number, slot: number): number | undefined {
    const span = this.groups[group];
    return span && span.start + Math.min(slot, this.slots(group) - 1) * this.shape.share;
  }

  // The last group that begins at a place or before it.
  private groupAt(band: number, x: number): number {
    return lastWhere(this.groups.length, (g) => {
      const first = this.firstBand[g] ?? 0;
      return first < band || (first === band && (this.firstX[g] ?? 0) <= x);
    });
  }

  // How many columns of a group stand in bands before one.
  private columnsBefore(group: number, band: number): number {
    const first = this.firstBand[group] ?? 0;
    if (band <= first) return 0;
    const inFirst = Math.floor((this.width - (this.firstX[group] ?? 0)) / this.shape.pitch);
    return Math.max(1, inFirst) + (band - first - 1) * this.columns;
  }

  private columnPlace(group: number, column: number): { band: number; x: number } {
    const first = this.firstBand[group] ?? 0;
    const beyond = column - this.columnsBefore(group, first + 1);
    if (beyond < 0) return { band: first, x: (this.firstX[group] ?? 0) + column * this.shape.pitch };
    return {
      band: first + 1 + Math.floor(beyond / this.columns),
      x: (beyond % this.columns) * this.shape.pitch,
    };
  }
}

/** The height of a band with what is free above it, in device pixels. */
export function bandHeight(shape: Shape): number {
  return shape.head + shape.rows * shape.pitch;
}

/** Places groups one after the other and gives the number of bands that they take. */
export function place(
  groups: readonly Span[],
  width: number,
  shape: Shape,
  placed?: (group: number, band: number, x: number) => void,
): number {
  const { pitch, rows, gap, least, share } = shape;
  const whole = Math.max(1, Math.floor(width / pitch));
  let band = 0;
  let x = 0; // where the next group may begin
  for (let group = 0; group < groups.length; group++) {
    if (x > 0 && x + Math.max(pitch, least) > width) {
      band++;
      x = 0;
    }
    placed?.(group, band, x);
    const columns = Math.ceil((groups[group]?.vehicles ?? 0) / (rows * share));
    const beyond = columns - Math.max(1, Math.floor((width - x) / pitch));
    if (beyond <= 0) {
      x += Math.max(columns * pitch, least) + gap;
    } else {
      band += Math.ceil(beyond / whole);
      x = (((beyond - 1) % whole) + 1) * pitch + gap;
    }
  }
  return groups.length > 0 ? band + 1 : 0;
}

// The last of n places for which something holds that holds for all before it; -1 when for none.
function lastWhere(n: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
