import { readAfter, writeAfter } from './after';

describe('lengths of time in a field', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['1m30s', 90],
    ['1m 30s', 90],
    ['2H', 7200],
    ['1h1s', 3601],
    ['2.5', 2.5],
  ])('reads %s as seconds', (text, seconds) => expect(readAfter(text)).toBe(seconds));

  it.each(['', ' ', 'm', '1d', '30s1m', '-5', '1,5', 'soon'])('does not read "%s"', (text) =>
    expect(readAfter(text)).toBeNaN(),
  );

  it.each([2, 2.5, 60, 90, 3600, 3661, 86_400])('reads %d seconds as it wrote them', (seconds) =>
    expect(readAfter(writeAfter(seconds))).toBe(seconds),
  );
});
