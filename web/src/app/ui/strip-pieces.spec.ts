import { Period } from '../api/shapes';
import { Piece, condense, piecesOf } from './strip-pieces';

const start = Date.parse('2026-11-25T10:00:00Z');
const moment = (second: number) => new Date(start + second * 1000).toISOString();
const at = (second: number) => start + second * 1000;
const window = { from: at(0), to: at(100) };

function period(from: number, to: number, state: Period['state'], presence?: Period['presence']): Period {
  const shown = presence ?? (state as Period['presence']);
  const [begin, end] = [moment(from), moment(to)];
  return {
    from: begin,
    to: end,
    state,
    presence: shown,
    cause: 'heartbeat',
    since: begin,
    known_at: begin,
    lasted: to - from,
  };
}

// Pieces in short: from second, to second, presence or what else, and how many they stand for.
function told(pieces: readonly Piece[]): string[] {
  return pieces.map((piece) => {
    const what = piece.unobserved ? 'unobserved' : (piece.presence ?? 'not known');
    const where = piece.outOfCoverage ? ' out of coverage' : '';
    const span = `${(piece.from - start) / 1000}-${(piece.to - start) / 1000} ${what}${where}`;
    return piece.count > 1 ? `${span} x${piece.count}` : span;
  });
}

describe('the pieces of a strip', () => {
  it('are the periods, oldest first, and nothing is said of the time before them', () => {
    const periods = [period(60, 100, 'offline'), period(50, 60, 'late')];
    expect(told(piecesOf(window, periods, undefined))).toEqual([
      '0-50 not known',
      '50-60 late',
      '60-100 offline',
    ]);
  });

  it('end at the edges of the window, to which the newest period lasts', () => {
    const periods = [period(30, 98, 'late'), period(-500, 30, 'online')];
    expect(told(piecesOf(window, periods, undefined))).toEqual(['0-30 online', '30-100 late']);
  });

  it('say what was not observed, not registered, and alive but out of coverage', () => {
    const periods = [
      period(70, 100, 'out_of_coverage', 'offline'),
      period(40, 70, 'unobserved', 'online'),
      period(0, 40, 'unwatched', 'unknown'),
    ];
    expect(told(piecesOf(window, periods, undefined))).toEqual([
      '0-40 not known',
      '40-70 unobserved',
      '70-100 offline out of coverage',
    ]);
  });

  it('are unobserved to the end while the server is blind', () => {
    expect(told(piecesOf(window, [period(0, 75, 'online')], at(80)))).toEqual([
      '0-80 online',
      '80-100 unobserved',
    ]);
  });

  it('are not known at all when nothing is', () => {
    expect(told(piecesOf(window, [], undefined))).toEqual(['0-100 not known']);
    expect(told(piecesOf(window, [], at(80)))).toEqual(['0-100 not known']);
  });

  it('are joined when they are too short to see, without losing an outage', () => {
    const periods = [
      period(13, 100, 'online'),
      period(12, 13, 'offline'),
      period(11, 12, 'late'),
      period(10, 11, 'online'),
      period(0, 10, 'late'),
    ];
    const pieces = piecesOf(window, periods, undefined);
    expect(told(condense(pieces, 500))).toEqual(told(pieces));
    expect(told(condense(pieces, 5000))).toEqual(['0-10 late', '10-13 offline x3', '13-100 online']);
  });
});
