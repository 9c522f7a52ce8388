import { Presence } from '../api/shapes';
import { Stretch } from '../ui/strip-pieces';
import { periodsCsv, periodsOf } from './outages';

const start = Date.parse('2026-11-25T10:00:00Z');
const at = (second: number) => start + second * 1000;
const stretch = (from: number, to: number, presence: Presence | undefined, before?: Presence): Stretch => ({
  from: at(from),
  to: to === Infinity ? Infinity : at(to),
  presence,
  before,
});

function told(stretches: Stretch[], unobserved: { from: number; to: number }[] = []): string[] {
  const second = (ms: number | undefined) => (ms === undefined ? '?' : (ms - start) / 1000);
  return periodsOf(stretches, unobserved, at(100)).map(
    ({ presence, from, to, unobserved }) =>
      `${presence} ${second(from)}-${second(to)} dark ${unobserved / 1000}`,
  );
}

describe('the connections and outages of a vehicle', () => {
  it('count a late vehicle as connected until it is proven silent', () => {
    const stretches = [
      stretch(0, 10, 'online', 'unknown'),
      stretch(10, 12, 'late'),
      stretch(12, 20, 'online'),
      stretch(20, 23, 'late'),
      stretch(23, 50, 'offline'),
      stretch(50, Infinity, 'online', 'offline'),
    ];
    expect(told(stretches)).toEqual(['online 50-? dark 0', 'offline 23-50 dark 0', 'online 0-23 dark 0']);
  });

  it('do not say when a connection began of which only the end is known', () => {
    const late = [stretch(10, 12, 'late', 'online'), stretch(12, Infinity, 'online', 'late')];
    expect(told(late)).toEqual(['online ?-? dark 0']);
    expect(told(late.slice(1))).toEqual(['online ?-? dark 0']);
    expect(told([stretch(12, Infinity, 'online')])).toEqual(['online ?-? dark 0']);
  });

  it('leave out what is not known, and do not join across it', () => {
    const stretches = [
      stretch(0, 10, 'online', 'unknown'),
      stretch(10, 20, undefined),
      stretch(20, Infinity, 'online', 'offline'),
    ];
    expect(told(stretches)).toEqual(['online 20-? dark 0', 'online 0-10 dark 0']);
  });

  it('tell how much of each was not observed', () => {
    const stretches = [stretch(0, 10, 'paused'), stretch(10, Infinity, 'online', 'paused')];
    const unobserved = [
      { from: at(5), to: at(15) },
      { from: at(90), to: Infinity },
    ];
    expect(told(stretches, unobserved)).toEqual(['online 10-? dark 15', 'paused 0-10 dark 5']);
  });

  it('are exported with exact moments and without formulas', () => {
    const periods = periodsOf(
      [stretch(0, 10.5, 'offline'), stretch(10.5, Infinity, 'online', 'offline')],
      [],
      at(100),
    );
    expect(periodsCsv('=1,2', periods, at(100)).split('\r\n')).toEqual([
      'vin,presence,from,to,seconds,unobserved_seconds',
      `"'=1,2",online,2026-11-25T10:00:10.500Z,,89.5,0`,
      `"'=1,2",offline,2026-11-25T10:00:00.000Z,2026-11-25T10:00:10.500Z,10.5,0`,
      '',
    ]);
  });
});
