import { Pace } from './pace';

describe('Pace', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('asks at most once in a while, however much happens', async () => {
    const round = vi.fn(() => Promise.resolve());
    const pace = new Pace(round, 1000);
    for (let i = 0; i < 100; i++) {
      pace.soon();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(round.mock.calls.length).toBeGreaterThanOrEqual(9);
    expect(round.mock.calls.length).toBeLessThanOrEqual(11);
  });

  it('never asks twice at once, and once more for what happened meanwhile', async () => {
    const ends: (() => void)[] = [];
    const round = vi.fn(() => new Promise<void>((end) => ends.push(end)));
    const pace = new Pace(round, 1000);
    pace.soon();
    await vi.advanceTimersByTimeAsync(5000);
    pace.soon();
    pace.soon();
    await vi.advanceTimersByTimeAsync(5000);
    expect(round).toHaveBeenCalledTimes(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(5000);
    expect(round).toHaveBeenCalledTimes(2);
  });

  it('asks at once when told so, once for all who say it together', async () => {
    const round = vi.fn(() => Promise.resolve());
    const pace = new Pace(round, 1000);
    pace.soon();
    await vi.advanceTimersByTimeAsync(0);
    pace.now();
    pace.now();
    await vi.advanceTimersByTimeAsync(0);
    expect(round).toHaveBeenCalledTimes(2);
  });

  it('asks no more once it is stopped', async () => {
    const round = vi.fn(() => Promise.resolve());
    const pace = new Pace(round, 1000);
    pace.soon();
    pace.stop();
    pace.now();
    await vi.advanceTimersByTimeAsync(5000);
    expect(round).not.toHaveBeenCalled();
  });
});
