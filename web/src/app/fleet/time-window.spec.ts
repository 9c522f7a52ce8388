import { reaches } from '../ui/reach';
import { windowOf } from './time-window';

const now = Date.parse('2026-11-25T12:34:56Z');
const utc = ({ from, to }: { from: number; to: number }) =>
  [from, to].map((at) => new Date(at).toISOString().slice(5, 19));

describe('the time that is offered', () => {
  it('ends with the step in which now lies', () => {
    expect(utc(windowOf(reaches['1h'], undefined, now))).toEqual(['11-25T11:35:00', '11-25T12:35:00']);
    expect(utc(windowOf(reaches['24h'], undefined, now))).toEqual(['11-24T12:40:00', '11-25T12:40:00']);
    expect(utc(windowOf(reaches['30d'], undefined, now))).toEqual(['10-26T18:00:00', '11-25T18:00:00']);
  });

  it('ends with now as long as the moment lies in it', () => {
    expect(windowOf(reaches['24h'], now - 3_600_000, now)).toEqual(windowOf(reaches['24h'], undefined, now));
  });

  it('lies around a moment that is longer ago', () => {
    const past = Date.parse('2026-11-01T08:00:10Z');
    expect(utc(windowOf(reaches['1h'], past, now))).toEqual(['11-01T07:30:00', '11-01T08:30:00']);
    expect(utc(windowOf(reaches['24h'], past, now))).toEqual(['10-31T20:00:00', '11-01T20:00:00']);
  });
});
