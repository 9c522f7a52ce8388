import { Painter, Scene, shownIndex } from './painter';
import { parseColour } from './palette';
import { Palette, makeSprites, wordOf } from './sprites';
import { Strips } from './strips';

const palette: Palette = {
  presences: [
    [1, 1, 1],
    [2, 2, 2],
    [3, 3, 3],
    [4, 4, 4],
    [5, 5, 5],
  ],
  ground: [101, 101, 101],
};

/** A canvas that keeps what is put onto it: jsdom has none. */
class Sheet {
  width = 0;
  height = 0;
  puts: number[][] = [];
  private image: ImageData | undefined;

  getContext() {
    return {
      putImageData: (image: ImageData, _x: number, _y: number, ...dirty: number[]) => {
        this.image = image;
        this.puts.push(dirty);
      },
    };
  }

  /** Red and alpha of a pixel, as drawn. */
  pixel(x: number, y: number): [number, number] {
    const at = (y * this.width + x) * 4;
    return [this.image?.data[at] ?? -1, this.image?.data[at + 3] ?? -1];
  }
}

class Pixels {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(width * height * 4);
  }
}

function sceneOf(presences: number[], part: Partial<Scene> = {}): Scene {
  const shape = { pitch: 2, rows: 2, head: 1, gap: 2, least: 0, share: 1, named: false };
  return {
    strips: new Strips([{ start: 0, vehicles: presences.length }], 8, shape),
    presences: Uint8Array.from(presences),
    sprites: makeSprites(2, palette),
    ground: wordOf(palette.ground),
    dimmed: new Uint8Array(5),
    matches: undefined,
    ...part,
  };
}

describe('the painter', () => {
  let sheet: Sheet;
  let painter: Painter;

  beforeEach(() => {
    vi.stubGlobal('ImageData', Pixels);
    sheet = new Sheet();
    painter = new Painter(sheet as unknown as HTMLCanvasElement);
    painter.resize(8, 5);
  });
  afterEach(() => vi.unstubAllGlobals());

  it('draws each cell where it stands, in the colour of its presence', () => {
    painter.draw(sceneOf([0, 1, 2, 3, 4]), 0);
    expect([
      sheet.pixel(0, 1),
      sheet.pixel(1, 4),
      sheet.pixel(2, 1),
      sheet.pixel(3, 3),
      sheet.pixel(5, 2),
    ]).toEqual([1, 2, 3, 4, 5].map((red) => [red, 255]));
    expect(sheet.pixel(0, 0)).toEqual([101, 255]);
    expect(sheet.pixel(4, 3)).toEqual([101, 255]);
  });

  it('dims what was not asked for and what the search does not find', () => {
    painter.draw(
      sceneOf([1, 2, 1, 2], { dimmed: Uint8Array.of(0, 0, 1, 0, 0), matches: Uint8Array.of(0b0111) }),
      0,
    );
    const places = [sheet.pixel(0, 1), sheet.pixel(0, 3), sheet.pixel(2, 1), sheet.pixel(2, 3)];
    expect(places.map(([red]) => red)).toEqual([2, 81, 2, 81]);
  });

  it('shows changed cells with the next flush, and only what is around them', () => {
    const scene = sceneOf([1, 1, 1, 1, 1]);
    painter.draw(scene, 0);
    sheet.puts = [];
    scene.presences[3] = 3;
    painter.change(Uint32Array.of(3));
    expect(sheet.puts).toEqual([]);
    painter.flush();
    expect(sheet.pixel(2, 3)).toEqual([4, 255]);
    expect(sheet.puts).toEqual([[2, 0, 2, 5]]);
    painter.flush();
    expect(sheet.puts.length).toBe(1);
  });

  it('leaves cells alone that are out of sight or unknown', () => {
    const scene = sceneOf(Array.from({ length: 24 }, () => 1)); // three bands, one of them in sight
    painter.draw(scene, 0);
    sheet.puts = [];
    painter.change(Uint32Array.of(23, 99));
    painter.flush();
    expect(sheet.puts).toEqual([]);
  });

  it('draws the part from a place on', () => {
    const scene = sceneOf([1, 1, 1, 1, 1, 1, 1, 1, 3, 3]);
    painter.draw(scene, 5);
    expect(sheet.pixel(0, 1)).toEqual([4, 255]);
  });
});

describe('a cell that vehicles share', () => {
  it('shows the one that has to be looked at first', () => {
    const shape = { pitch: 1, rows: 1, head: 0, gap: 1, least: 0, share: 3, named: false };
    const strips = new Strips([{ start: 0, vehicles: 7 }], 8, shape);
    const presences = Uint8Array.of(1, 3, 2, 1, 4, 1, 1);
    expect([0, 1, 2].map((slot) => shownIndex({ strips, presences }, 0, slot))).toEqual([1, 4, 6]);
  });
});

describe('a colour of the style sheet', () => {
  it('is read in the ways in which browsers write it', () => {
    expect(parseColour('rgb(1, 2, 3)')).toEqual([1, 2, 3]);
    expect(parseColour('color(srgb 1 0.5 0)')).toEqual([255, 128, 0]);
    expect(parseColour('what')).toEqual([128, 128, 128]);
  });
});
