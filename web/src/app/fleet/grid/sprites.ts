import { Presence } from '../../api/shapes';
import { wirePresences } from '../../words/presence';

/** Red, green and blue of each presence, 0 to 255, in the order of the wire. */
export type Palette = readonly (readonly [number, number, number])[];

/** Pitch in device pixels from which a cell shows its presence by shape too. */
export const shapesFrom = 6;
const roundFrom = 9; // below it a disc is a blurred square
const dimmedAlpha = 0.2;
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
  const bright = wirePresences.map((presence, i) => makeSprite(pitch, presence, palette[i] ?? [0, 0, 0], 1));
  const dimmed = wirePresences.map((presence, i) =>
    makeSprite(pitch, presence, palette[i] ?? [0, 0, 0], dimmedAlpha),
  );
  return [...bright, ...dimmed];
}

function makeSprite(
  pitch: number,
  presence: Presence,
  [red, green, blue]: readonly [number, number, number],
  alpha: number,
): Uint32Array {
  const box = pitch - freeBetween(pitch);
  const bytes = new Uint8ClampedArray(pitch * pitch * 4);
  for (let y = 0; y < box; y++) {
    for (let x = 0; x < box; x++) {
      const covered = pitch < shapesFrom ? 1 : coverage(shapes[presence], x, y, box);
      bytes.set([red, green, blue, covered * alpha * 255], (y * pitch + x) * 4);
    }
  }
  return new Uint32Array(bytes.buffer);
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
