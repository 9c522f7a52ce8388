import { shapeOf } from './counts-shape';

const counts = { online: 0, late: 0, offline: 0, unknown: 0, paused: 0 };

describe('the shape of counts', () => {
  it('spans the time of the samples, and its highest point is the top', () => {
    const samples = [
      { at: 0, counts },
      { at: 60_000, counts: { ...counts, late: 1, offline: 3 } },
      { at: 120_000, counts: { ...counts, offline: 1 } },
    ];
    const { late, offline } = shapeOf(samples, { from: 0, to: 120_000 });
    expect(late).toBe('M0.0 40L0.0 40.0L100.0 0.0L200.0 30.0L200.0 40Z');
    expect(offline).toBe('M0.0 40L0.0 40.0L100.0 10.0L200.0 30.0L200.0 40Z');
  });

  it('leaves open what no sample tells of', () => {
    const samples = [
      { at: 50, counts },
      { at: 75, counts: { ...counts, offline: 2 } },
    ];
    expect(shapeOf(samples, { from: 0, to: 100 }).offline).toBe('M100.0 40L100.0 40.0L150.0 0.0L150.0 40Z');
    expect(shapeOf([], { from: 0, to: 100 }).late).toBe('');
  });

  it('lies on the ground while nothing is missing', () => {
    const samples = [
      { at: 5, counts },
      { at: 10, counts },
    ];
    expect(shapeOf(samples, { from: 5, to: 10 }).late).toBe('M0.0 40L0.0 40.0L200.0 40.0L200.0 40Z');
  });
});
