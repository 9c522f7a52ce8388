import { readMatches } from './grid-matches';

function wire(count: number, bits: number[]): ArrayBuffer {
  const data = new ArrayBuffer(20 + bits.length);
  const view = new DataView(data);
  view.setBigUint64(0, 9n, true);
  view.setUint32(16, count, true);
  new Uint8Array(data, 20).set(bits);
  return data;
}

describe('matches over the wire', () => {
  it('are one bit per cell', () => {
    expect(readMatches(wire(9, [0b00000101, 1]))).toEqual({ epoch: 9, bits: Uint8Array.of(5, 1) });
  });

  it('are refused when there are not as many as their header says', () => {
    expect(() => readMatches(wire(9, [1]))).toThrow('not what their header says');
    expect(() => readMatches(wire(8, [1, 0]))).toThrow('not what their header says');
  });
});
