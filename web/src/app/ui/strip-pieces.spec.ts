import { Gap, Presence, Transition } from '../api/shapes';
import { condense, piecesOf, stretchesOf, unobservedIn, unobservedTimes } from './strip-pieces';

const start = Date.parse('2026-11-25T10:00:00Z');
const moment = (second: number) => new Date(start + second * 1000).toISOString();
const at = (second: number) => start + second * 1000;
const window = { from: at(0), to: at(100) };

function change(second: number, from: Presence, to: Presence): Transition {
  return { vin: 'A', from, to, at: moment(second), position: second + 1000 };
}

function gap(from: number, to: number): Gap {
  return { from: moment(from), to: moment(to), reason: 'silent', position: to + 1000 };
}

// Pieces in short: from second, to second, presence or what else, and how many they stand for.
function told(pieces: ReturnType<typeof piecesOf>): string[] {
  return pieces.map((piece) => {
    const what = piece.unobserved ? 'unobserved' : (piece.presence ?? 'not known');
    const span = `${(piece.from - start) / 1000}-${(piece.to - start) / 1000} ${what}`;
    return piece.count > 1 ? `${span} x${piece.count}` : span;
  });
}

describe('the pieces of a strip', () => {
  it('fill the window from the transitions, and say nothing of the time before the oldest', () => {
    const stretches = stretchesOf([change(60, 'late', 'offline'), change(50, 'online', 'late')], undefined);
    expect(told(piecesOf(window, stretches, []))).toEqual(['0-50 not known', '50-60 late', '60-100 offline']);
  });

  it('begin with what lasted when the window began', () => {
    const stretches = stretchesOf(
      [change(30, 'online', 'late'), change(-500, 'unknown', 'online')],
      undefined,
    );
    expect(told(piecesOf(window, stretches, []))).toEqual(['0-30 online', '30-100 late']);
  });

  it('take the present presence from the vehicle when memory holds no transition of it', () => {
    const stretches = stretchesOf([], { presence: 'online', since: moment(20) });
    expect(told(piecesOf(window, stretches, []))).toEqual(['0-20 not known', '20-100 online']);
  });

  it('do not guess between two transitions that do not follow each other', () => {
    const stretches = stretchesOf([change(60, 'offline', 'online'), change(50, 'online', 'late')], undefined);
    expect(told(piecesOf(window, stretches, []))).toEqual([
      '0-50 not known',
      '50-60 not known',
      '60-100 online',
    ]);
  });

  it('are not known at all when nothing is', () => {
    expect(told(piecesOf(window, [], []))).toEqual(['0-100 not known']);
  });

  it('are cut by unobserved times, which may overlap, stretch over changes and lie over the edge', () => {
    const stretches = stretchesOf([change(30, 'online', 'late'), change(-5, 'unknown', 'online')], undefined);
    const dark = unobservedTimes([gap(90, 200), gap(25, 35), gap(20, 28), gap(-90, -80)], undefined);
    expect(told(piecesOf(window, stretches, dark))).toEqual([
      '0-20 online',
      '20-30 unobserved',
      '30-35 unobserved',
      '35-90 late',
      '90-100 unobserved',
    ]);
    expect(unobservedIn(window, dark)).toBe(25_000);
  });

  it('are unobserved to the end while the server is blind', () => {
    const stretches = stretchesOf([], { presence: 'online', since: moment(-5) });
    const dark = unobservedTimes([], at(80));
    expect(told(piecesOf(window, stretches, dark))).toEqual(['0-80 online', '80-100 unobserved']);
  });

  it('are joined when they are too short to see, without losing an outage', () => {
    const stretches = stretchesOf(
      [
        change(13, 'offline', 'online'),
        change(12, 'late', 'offline'),
        change(11, 'online', 'late'),
        change(10, 'late', 'online'),
        change(0, 'online', 'late'),
      ],
      undefined,
    );
    const pieces = piecesOf(window, stretches, []);
    expect(told(condense(pieces, 5))).toEqual(told(pieces));
    expect(told(condense(pieces, 5000))).toEqual(['0-10 late', '10-13 offline x3', '13-100 online']);
  });
});
