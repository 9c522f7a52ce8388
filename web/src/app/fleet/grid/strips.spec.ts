import { fit } from './fit';
import { Shape, Span, Strips, Step } from './strips';

const shape: Shape = { pitch: 4, rows: 3, head: 5, gap: 2, least: 0, share: 1, named: false };

function spans(...sizes: number[]): Span[] {
  let start = 0;
  return sizes.map((vehicles) => ({ start: (start += vehicles) - vehicles, vehicles }));
}

/** The same numbers every time. */
function dice(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

describe('the strips', () => {
  it('fill columns from top to bottom, and begin each group with a new column after a gap', () => {
    const strips = new Strips(spans(4, 2), 40, shape);
    expect([0, 1, 2, 3, 4, 5].map((i) => strips.placeOf(i))).toEqual([
      { x: 0, y: 5 },
      { x: 0, y: 9 },
      { x: 0, y: 13 },
      { x: 4, y: 5 },
      { x: 10, y: 5 },
      { x: 10, y: 9 },
    ]);
    expect(strips.bands).toBe(1);
  });

  it('go on in the next band when one is full', () => {
    const strips = new Strips(spans(9, 1), 8, shape);
    expect(strips.placeOf(6)).toEqual({ x: 0, y: 17 + 5 });
    expect(strips.placeOf(9)).toEqual({ x: 0, y: 2 * 17 + 5 });
    expect(strips.bands).toBe(3);
  });

  it('have no cell in gaps, heads, or beside a group', () => {
    const strips = new Strips(spans(4, 2), 40, shape);
    expect(strips.at(9, 6)).toBe(-1); // between the groups
    expect(strips.at(1, 2)).toBe(-1); // above the band
    expect(strips.at(5, 10)).toBe(-1); // below the last of the first group
    expect(strips.at(39, 6)).toBe(-1);
    expect(strips.at(-1, 6)).toBe(-1);
    expect(strips.at(1, 500)).toBe(-1);
  });

  it('show only the groups they were given', () => {
    const strips = new Strips([{ start: 100, vehicles: 5 }], 40, shape);
    expect(strips.at(1, 6)).toBe(100);
    expect(strips.placeOf(99)).toBeUndefined();
    expect(strips.placeOf(105)).toBeUndefined();
  });

  it('name the parts of a group in each band', () => {
    const strips = new Strips(spans(9, 1), 8, shape);
    expect(strips.pieces(0, 3)).toEqual([
      { group: 0, x: 0, y: 0, width: 8 },
      { group: 0, x: 0, y: 17, width: 4 },
      { group: 1, x: 0, y: 34, width: 4 },
    ]);
    expect(strips.pieces(1, 2).length).toBe(1);
  });

  it('lead from cell to cell, and over the end of a group into the next', () => {
    const strips = new Strips(spans(4, 2), 40, shape);
    const from = (index: number, step: Step) => strips.step(index, step);
    expect(from(0, 'down')).toBe(1);
    expect(from(0, 'right')).toBe(3);
    expect(from(1, 'right')).toBe(3);
    expect(from(3, 'right')).toBe(4);
    expect(from(5, 'left')).toBe(3);
    expect(from(3, 'left')).toBe(0);
    expect(from(3, 'down')).toBe(4);
    expect(from(4, 'up')).toBe(3);
    expect(from(0, 'end')).toBe(3);
    expect(from(5, 'start')).toBe(4);
    expect(from(1, 'next')).toBe(4);
    expect(from(5, 'previous')).toBe(0);
    expect([from(0, 'up'), from(0, 'left'), from(5, 'down'), from(5, 'right')]).toEqual([0, 0, 5, 5]);
  });
});

describe('any strips', () => {
  const random = dice(7);
  const cases = Array.from({ length: 60 }, () => {
    const sizes = Array.from({ length: 1 + random(30) }, () => 1 + random(random(4) === 0 ? 400 : 20));
    const pitch = 1 + random(9);
    const shape = {
      pitch,
      rows: 1 + random(12),
      head: random(9),
      gap: random(7),
      least: random(40),
      share: 1 + random(3),
      named: false,
    };
    return new Strips(spans(...sizes), pitch * (1 + random(40)) + random(pitch), shape);
  });

  it('find each cell where it stands, inside the width and the height, and no two in one place', () => {
    for (const strips of cases) {
      const { share, pitch } = strips.shape;
      const seen = new Set<string>();
      const wrong: number[] = [];
      for (const span of strips.groups) {
        for (let index = span.start; index < span.start + span.vehicles; index += share) {
          const { x, y } = strips.placeOf(index) ?? { x: -1, y: -1 };
          const found = strips.at(x, y) === index && strips.at(x + pitch - 1, y + pitch - 1) === index;
          const inside = x >= 0 && x + pitch <= strips.width && y + pitch <= strips.height;
          if (!found || !inside) wrong.push(index);
          seen.add(`${x} ${y}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(seen.size).toBe(strips.groups.reduce((sum, _, group) => sum + strips.slots(group), 0));
    }
  });

  it('are visited whole, each cell once, from any band on', () => {
    for (const strips of cases) {
      for (const from of [0, Math.floor(strips.bands / 2)]) {
        const visited: string[] = [];
        strips.visit(from, strips.bands, (x, y, group, slot, count) => {
          const index = (strips.groups[group]?.start ?? 0) + slot * strips.shape.share;
          for (let row = 0; row < count; row++) {
            visited.push(`${index + row * strips.shape.share}: ${x} ${y + row * strips.shape.pitch}`);
          }
        });
        const standing = strips.groups.flatMap((span, group) =>
          Array.from({ length: strips.slots(group) }, (_, slot) => span.start + slot * strips.shape.share)
            .map((index) => ({ index, ...(strips.placeOf(index) ?? { x: -1, y: -1 }) }))
            .filter(({ y }) => y >= from * strips.bandHeight)
            .map(({ index, x, y }) => `${index}: ${x} ${y}`),
        );
        expect(visited).toEqual(standing);
      }
    }
  });

  it('lead by steps only to cells that there are', () => {
    const steps: Step[] = ['up', 'down', 'left', 'right', 'start', 'end', 'previous', 'next'];
    for (const strips of cases) {
      let index = strips.groups[0]?.start ?? 0;
      for (let i = 0; i < 200; i++) {
        index = strips.step(index, steps[random(steps.length)] as Step);
        const place = strips.placeOf(index);
        expect(place && strips.at(place.x, place.y)).toBe(index);
      }
    }
  });
});

describe('the name of a group', () => {
  const named: Shape = { ...shape, least: 16, named: true };

  it('has its least width, however few the cells below it', () => {
    const strips = new Strips(spans(1, 1, 1), 40, named);
    expect(strips.pieces(0, 9)).toEqual([
      { group: 0, x: 0, y: 0, width: 16 },
      { group: 1, x: 18, y: 0, width: 16 },
      { group: 2, x: 0, y: 17, width: 16 },
    ]);
    expect(strips.at(8, 6)).toBe(-1);
  });
});

describe('cells fitted into a room', () => {
  const room = { width: 1200, height: 700, scale: 1, whole: true, nameHeight: 17 };

  it('are as large as they may be when there are few', () => {
    const strips = fit(spans(7, 3), { ...room, whole: false });
    expect(strips.shape.pitch).toBe(28);
    expect(strips.shape.named).toBe(true);
    expect(fit(spans(7, 3), room).shape.pitch).toBe(72);
  });

  it('always fit when they must, if need be by sharing a cell', () => {
    const random = dice(3);
    for (let i = 0; i < 40; i++) {
      const groups = spans(...Array.from({ length: 1 + random(300) }, () => 1 + random(1 + random(30_000))));
      const strips = fit(groups, { ...room, width: 300 + random(1000), height: 200 + random(600) });
      expect(strips.height).toBeLessThanOrEqual(200 + 600);
    }
    const million = fit(spans(...Array.from({ length: 2000 }, () => 500)), { ...room, height: 300 });
    expect(million.height).toBeLessThanOrEqual(300);
    expect(million.shape.share).toBeGreaterThan(1);
  });

  it('grow beyond the height of a room that scrolls, a vehicle each', () => {
    const strips = fit(spans(...Array.from({ length: 2000 }, () => 500)), {
      ...room,
      height: 300,
      whole: false,
    });
    expect(strips.height).toBeGreaterThan(300);
    expect(strips.shape).toMatchObject({ share: 1, pitch: 1 });
  });

  it('keep groups apart at any size', () => {
    const strips = fit(spans(300_000, 300_000), room);
    expect(strips.shape.pitch).toBe(1);
    expect(strips.shape.gap).toBeGreaterThanOrEqual(1);
  });

  it('show nothing when there is nothing', () => {
    const strips = fit([], room);
    expect([strips.bands, strips.height, strips.at(0, 0)]).toEqual([0, 0, -1]);
  });
});
