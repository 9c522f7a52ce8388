import { Strips } from './strips';

/** What is drawn: which cells, where, how they look, and which of them are dimmed. */
export interface Scene {
  strips: Strips;
  /** By index, in the order of the wire. */
  presences: Uint8Array;
  /** As makeSprites gives them, of the pitch of the strips. */
  sprites: Uint32Array[];
  /** The pixel on which cells stand. */
  ground: number;
  /** 1 for each presence of the wire that is dimmed. */
  dimmed: Uint8Array;
  /** One bit per cell, from the lowest of a byte on: those without it are dimmed. Undefined dims none. */
  matches: Uint8Array | undefined;
}

const severity = [2, 0, 3, 4, 1]; // in the order of the wire: which presence a shared cell shows

/**
 * Draws cells into an image of the visible part, at device pixels, and that image onto a canvas. Cells that change are
 * stamped into the image at once, and shown with the next flush, only the bands in which something changed.
 */
export class Painter {
  private readonly context: CanvasRenderingContext2D | null;
  private image: ImageData | undefined;
  private pixels = new Uint32Array();
  private scene: Scene | undefined;
  private width = 0;
  private height = 0;
  private top = 0; // of the visible part
  private firstBand = 0;
  // Where bands of the visible part have changed, from x to x; nothing when from is not less.
  private dirtyFrom = new Int32Array();
  private dirtyTo = new Int32Array();

  constructor(private readonly canvas: HTMLCanvasElement) {
    // An opaque canvas is put on the screen in a fraction of the time: there is nothing to blend.
    this.context = canvas.getContext('2d', { alpha: false });
  }

  /** Sets the visible size in device pixels. What was drawn is gone. */
  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = this.canvas.width = Math.max(1, width);
    this.height = this.canvas.height = Math.max(1, height);
    if (!this.context) return;
    this.image = new ImageData(this.width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** Draws a scene, seen from a place on, in device pixels from its top. */
  draw(scene: Scene, top: number): void {
    this.scene = scene;
    this.top = top;
    const { bandHeight, bands } = scene.strips;
    this.firstBand = Math.floor(top / bandHeight);
    const end = Math.min(bands, Math.ceil((top + this.height) / bandHeight));
    this.dirtyFrom = new Int32Array(Math.max(0, end - this.firstBand)).fill(this.width);
    this.dirtyTo = new Int32Array(this.dirtyFrom.length);
    if (!this.image) return;
    this.pixels.fill(scene.ground);
    const { pitch } = scene.strips.shape;
    scene.strips.visit(this.firstBand, end, (x, y, group, slot, count) => {
      for (let row = 0; row < count; row++)
        this.stamp(x, y + row * pitch, this.spriteOf(scene, group, slot + row));
    });
    this.show();
  }

  /** Takes in that cells have changed. */
  change(indexes: Uint32Array): void {
    const { scene } = this;
    if (!scene || !this.image) return;
    const { strips } = scene;
    const { shape, bandHeight } = strips;
    for (const index of indexes) {
      const place = strips.placeOf(index);
      if (!place) continue;
      const band = Math.floor(place.y / bandHeight) - this.firstBand;
      if (band < 0 || band >= this.dirtyFrom.length) continue;
      const group = strips.groupOf(index);
      const slot = Math.floor((index - (strips.groups[group]?.start ?? 0)) / shape.share);
      this.stamp(place.x, place.y, this.spriteOf(scene, group, slot));
      this.dirtyFrom[band] = Math.min(this.dirtyFrom[band] ?? 0, place.x);
      this.dirtyTo[band] = Math.max(this.dirtyTo[band] ?? 0, place.x + shape.pitch);
    }
  }

  /** Shows what has changed since the last time. */
  flush(): void {
    if (!this.image || !this.context || !this.scene) return;
    const { bandHeight } = this.scene.strips;
    for (let band = 0; band < this.dirtyFrom.length; band++) {
      const from = this.dirtyFrom[band] ?? 0;
      const width = (this.dirtyTo[band] ?? 0) - from;
      if (width <= 0) continue;
      const y = (this.firstBand + band) * bandHeight - this.top;
      this.context.putImageData(this.image, 0, 0, from, y, width, bandHeight);
    }
    this.dirtyFrom.fill(this.width);
    this.dirtyTo.fill(0);
  }

  /** Shows all that is drawn: the canvas may have lost it. */
  show(): void {
    if (this.image) this.context?.putImageData(this.image, 0, 0);
    this.dirtyFrom.fill(this.width);
    this.dirtyTo.fill(0);
  }

  private spriteOf(scene: Scene, group: number, slot: number): Uint32Array {
    const { presences, dimmed, matches, sprites } = scene;
    const index = shownIndex(scene, group, slot);
    const presence = presences[index] ?? 0;
    const isDimmed =
      dimmed[presence] === 1 || (matches && (((matches[index >> 3] ?? 0) >> (index & 7)) & 1) === 0);
    return sprites[isDimmed ? presence + severity.length : presence] ?? this.pixels;
  }

  private stamp(x: number, y: number, sprite: Uint32Array): void {
    const { pixels, width } = this;
    const pitch = this.scene?.strips.shape.pitch ?? 0;
    const top = y - this.top;
    if (pitch === 1) {
      if (top >= 0 && top < this.height) pixels[top * width + x] = sprite[0] ?? 0;
      return;
    }
    const end = Math.min(pitch, this.height - top);
    for (let row = Math.max(0, -top); row < end; row++) {
      const to = (top + row) * width + x;
      const from = row * pitch;
      for (let column = 0; column < pitch; column++) pixels[to + column] = sprite[from + column] ?? 0;
    }
  }
}

/** The vehicle that a cell shows: the one in it, or of those that share it the one that has to be looked at first. */
export function shownIndex(scene: Pick<Scene, 'strips' | 'presences'>, group: number, slot: number): number {
  const { strips, presences } = scene;
  const span = strips.groups[group];
  if (!span) return -1;
  const { share } = strips.shape;
  const first = span.start + slot * share;
  if (share === 1) return first;
  let worst = first;
  const end = Math.min(first + share, span.start + span.vehicles);
  for (let i = first + 1; i < end; i++) {
    if ((severity[presences[i] ?? 0] ?? 0) > (severity[presences[worst] ?? 0] ?? 0)) worst = i;
  }
  return worst;
}
