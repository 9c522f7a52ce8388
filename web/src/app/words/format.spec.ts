import { LOCALE_ID } from '@angular/core';
import { TestBed } from '@angular/core/testing';

import { Preferences } from '../settings/preferences';
import { Format } from './format';

function formatIn(locale: string, utc = true): Format {
  TestBed.configureTestingModule({ providers: [{ provide: LOCALE_ID, useValue: locale }] });
  TestBed.inject(Preferences).utc.set(utc);
  return TestBed.inject(Format);
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('Format', () => {
  afterEach(() => localStorage.clear());

  it('says lengths of time in their two largest units, rounded down', () => {
    const format = formatIn('en');
    expect(format.duration(999)).toBe('0 sec');
    expect(format.duration(59_999)).toBe('59 sec');
    expect(format.duration(4 * minute + 12 * second)).toBe('4 min 12 sec');
    expect(format.duration(2 * hour)).toBe('2 hr');
    expect(format.duration(day + 23 * hour + 59 * minute)).toBe('1 day 23 hr');
    expect(format.duration(-5)).toBe('0 sec');
  });

  it('ticks calmly in one unit', () => {
    const format = formatIn('en');
    expect(format.shortDuration(59 * second)).toBe('59 sec');
    expect(format.shortDuration(59 * minute + 59 * second)).toBe('59 min');
    expect(format.shortDuration(47 * hour)).toBe('47 hr');
    expect(format.shortDuration(49 * hour)).toBe('2 days');
  });

  it('speaks the language of the reader', () => {
    const format = formatIn('sv');
    expect(format.duration(2 * hour + 5 * minute)).toBe('2 tim 5 min');
    expect(format.count(1234567).replace(/\s/g, ' ')).toBe('1 234 567');
  });

  it('names the zone of a moment, and takes UTC on request', () => {
    const at = new Date('2026-11-24T03:31:40.764Z');
    expect(formatIn('en').moment(at)).toBe('24 Nov 2026, 03:31:40 UTC');
  });

  it('says 100 % and 0 % only when they are exact', () => {
    const format = formatIn('en');
    expect(format.share(1_000_000, 1_000_000)).toBe('100 %');
    expect(format.share(999_999, 1_000_000)).toBe('99.9 %');
    expect(format.share(1, 1_000_000)).toBe('0.1 %');
    expect(format.share(0, 7)).toBe('0 %');
    expect(format.share(955, 1000)).toBe('95.5 %');
    expect(format.share(0, 0)).toBe('–');
  });
});
