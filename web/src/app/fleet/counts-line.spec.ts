import { shapeOf } from './counts-line';

const counts = { online: 0, late: 0, offline: 0, unknown: 0, paused: 0 };

describe('the line of counts', () => {
  it('spans the whole time, and its highest point is the top', () => {
    const { late, offline } = shapeOf([
      { at: 0, counts },
      { at: 60_000, counts: { ...counts, late: 1, offline: 3 } },
      { at: 120_000, counts: { ...counts, offline: 1 } },
    ]);
    expect(late).toBe('M0 40L0.0 40.0L100.0 0.0L200.0 30.0L200 40Z');
    expect(offline).toBe('M0 40L0.0 40.0L100.0 10.0L200.0 30.0L200 40Z');
  });

  it('lies on the ground while nothing is missing', () => {
    expect(
      shapeOf([
        { at: 5, counts },
        { at: 10, counts },
      ]).late,
    ).toBe('M0 40L0.0 40.0L200.0 40.0L200 40Z');
  });
});
