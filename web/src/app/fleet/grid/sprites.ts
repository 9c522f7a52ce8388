import { Presence } from '../../api/shapes';
import { wirePresences } from '../../words/presence';

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** The colours of the grid. */
export interface Palette {
  /** Of each presence, in the order of the wire. */
  presences: readonly Colour[];
  /** On which cells stand. */
  ground: Colour;
}

/** Pitch in device pixels from which a cell shows its presence by shape too. */
export const shapesFrom = 6;
const roundFrom = 9; // below it a disc is a blurred square
const dimmed = 0.2; // of the ink of a cell that is dimmed
const samples = 4; // of a pixel, each way

type Inside = (u: number, v: number, box: number) => boolean;

// Whether a point of a box, 0 to 1 from its left and its top, is inked. They echo the presence marks.
const shapes: Record<Presence, Inside> = {
  online: (u, v, box) => box < roundFrom || toCentre(u, v) <= 0.5,
  late: (u, v) => Math.abs(u - 0.5) <= (0.06 + v * 0.94) / 2,
  offline: (u, v, box) => {
    const fromCentre = Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5));
    if (box < roundFrom) return fromCentre > 0.2;
    return fromCentre > 0.33 || Math.min(Math.abs(u - v), Math.abs(u + v - 1)) > 0.11;
  },
  unknown: (u, v, box) => {
    const line = Math.max(1 / box, 0.15);
    const fromCentre = box < roundFrom ? Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5)) : toCentre(u, v);
    return fromCentre <= 0.5 && fromCentre > 0.5 - line;
  },
  paused: (u, _, box) => Math.abs(u - 0.5) > Math.max(0.14, 0.5 / box),
};

function toCentre(u: number, v: number): number {
  return Math.hypot(u - 0.5, v - 0.5);
}

/** What is free between two cells, as a part of the pitch, in device pixels. */
export function freeBetween(pitch: number): number {
  return pitch < 4 ? 0 : Math.max(1, Math.round(pitch / 14));
}

/**
 * The pixels of a cell in each presence, in the order of the wire, and after them the same dimmed. Each is pitch × pitch
 * pixels of an ImageData, read as 32-bit words; what is free between cells is on the right and below.
 */
export function makeSprites(pitch: number, palette: Palette): Uint32Array[] {
  return [1, dimmed].flatMap((ink) =>
    wirePresences.map((presence, i) => {
      const colour = palette.presences[i] ?? palette.ground;
      return makeSprite(pitch, presence, colour, palette.ground, ink);
    }),
  );
}

function makeSprite(
  pitch: number,
  presence: Presence,
  colour: Colour,
  ground: Colour,
  ink: number,
): Uint32Array {
  const box = pitch - freeBetween(pitch);
  const pixels = new Uint32Array(pitch * pitch).fill(wordOf(ground));
  for (let y = 0; y < box; y++) {
    for (let x = 0; x < box; x++) {
      const covered = pitch < shapesFrom ? 1 : coverage(shapes[presence], x, y, box);
      pixels[y * pitch + x] = wordOf(mix(ground, colour, covered * ink));
    }
  }
  return pixels;
}

/** An opaque pixel of an ImageData, read as a 32-bit word. */
export function wordOf([red, green, blue]: Colour): number {
  return new Uint32Array(Uint8ClampedArray.of(red, green, blue, 255).buffer)[0] ?? 0;
}

function mix(from: Colour, to: Colour, part: number): Colour {
  const between = (i: 0 | 1 | 2) => from[i] + (to[i] - from[i]) * part;
  return [between(0), between(1), between(2)];
}

function coverage(inside: Inside, x: number, y: number, box: number): number {
  let hits = 0;
  for (let i = 0; i < samples; i++) {
    for (let j = 0; j < samples; j++) {
      if (inside((x + (i + 0.5) / samples) / box, (y + (j + 0.5) / samples) / box, box)) hits++;
    }
  }
  return hits / samples ** 2;
}
