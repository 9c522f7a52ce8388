import { Cells, applyUpdate, readCells } from './grid-cells';

/** The wire's words: index << 4 | presence, in base64. */
function words(...cells: [number, number][]): string {
  const bytes = new Uint8Array(
    new Uint32Array(cells.map(([index, presence]) => (index << 4) | presence)).buffer,
  );
  return btoa(String.fromCharCode(...bytes));
}

function wire(epoch: bigint, position: bigint, presences: number[], count = presences.length): ArrayBuffer {
  const data = new ArrayBuffer(20 + presences.length);
  const view = new DataView(data);
  view.setBigUint64(0, epoch, true);
  view.setBigUint64(8, position, true);
  view.setUint32(16, count, true);
  new Uint8Array(data, 20).set(presences);
  return data;
}

describe('the grid over the wire', () => {
  it('is read to the byte', () => {
    const cells = readCells(wire(2n ** 52n, 1234567n, [0, 1, 2, 3, 4]));
    expect(cells.epoch).toBe(2 ** 52);
    expect(cells.position).toBe(1234567);
    expect([...cells.presences]).toEqual([0, 1, 2, 3, 4]);
  });

  it('is refused when its bytes are not what its header says', () => {
    expect(() => readCells(wire(1n, 1n, [1, 1], 3))).toThrow('not what its header says');
    expect(() => readCells(new ArrayBuffer(3))).toThrow('not even a header');
  });
});

describe('an update of the grid', () => {
  let cells: Cells;
  beforeEach(() => (cells = readCells(wire(7n, 100n, [1, 1, 1, 1]))));

  it('changes the cells that it names, and moves the position', () => {
    const changed = applyUpdate(cells, { epoch: 7, position: 101, cells: words([2, 3], [0, 4]) });
    expect([...(changed ?? [])]).toEqual([2, 0]);
    expect([...cells.presences]).toEqual([4, 1, 3, 1]);
    expect(cells.position).toBe(101);
  });

  it('is passed over when the grid shows it already', () => {
    expect([...(applyUpdate(cells, { epoch: 7, position: 100, cells: words([2, 3]) }) ?? [0])]).toEqual([]);
    expect([...cells.presences]).toEqual([1, 1, 1, 1]);
  });

  it('asks for a new grid when it is for another order, or does not fit', () => {
    expect(applyUpdate(cells, { epoch: 8, position: 101, cells: words([2, 3]) })).toBeUndefined();
    expect(applyUpdate(cells, { epoch: 7, position: 101, cells: words([4, 3]) })).toBeUndefined();
    expect(applyUpdate(cells, { epoch: 7, position: 101, cells: btoa('abc') })).toBeUndefined();
  });

  it('names the vehicle of the highest index that the wire has', () => {
    const many: Cells = { epoch: 1, position: 0, presences: new Uint8Array(2 ** 22) };
    const last = many.presences.length - 1;
    expect([...(applyUpdate(many, { epoch: 1, position: 1, cells: words([last, 2]) }) ?? [])]).toEqual([
      last,
    ]);
  });
});
