import { wirePresences } from '../../words/presence';
import { Colour, Palette } from './sprites';

/**
 * The colours of the grid as they are now, in the theme of an element. A custom property holds only what was written; the
 * colour that it comes to is had from an element that is painted with it, and is new: one that changes its colour may be on
 * its way from another.
 */
export function readPalette(host: HTMLElement): Palette {
  const read = (property: string) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${property})`;
    host.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return parseColour(color);
  };
  return {
    presences: wirePresences.map((presence) => read(`--fb-${presence}`)),
    ground: read('--mat-sys-background'),
  };
}

/** Reads `rgb(1, 2, 3)` or `color(srgb 0.1 0.2 0.3)`; what it does not understand is grey. */
export function parseColour(text: string): Colour {
  const numbers = text.match(/[\d.]+/g)?.map(Number) ?? [];
  const scale = text.startsWith('color(srgb') ? 255 : 1;
  const [red = 128, green = 128, blue = 128] = numbers.map((n) => Math.round(n * scale));
  return [red, green, blue];
}
