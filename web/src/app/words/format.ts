import { Injectable, LOCALE_ID, inject } from '@angular/core';

import { Preferences } from '../settings/preferences';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

type Unit = 'second' | 'minute' | 'hour' | 'day';

/** Writes numbers, lengths of time and moments in the reader's language and time zone. Lengths are milliseconds. */
@Injectable({ providedIn: 'root' })
export class Format {
  private readonly locale = inject(LOCALE_ID);
  private readonly preferences = inject(Preferences);
  private readonly counts = new Intl.NumberFormat(this.locale);
  private readonly units = new Map<Unit, Intl.NumberFormat>();
  private readonly moments = new Map<string, Intl.DateTimeFormat>();

  /** A length of time in its two largest units, such as `4 min 12 sec`, rounded down. */
  duration(length: number): string {
    if (length < minute) return this.unit(length, second, 'second');
    if (length < hour) return this.two(length, minute, 'minute', second, 'second');
    if (length < day) return this.two(length, hour, 'hour', minute, 'minute');
    return this.two(length, day, 'day', hour, 'hour');
  }

  /** A length of time in its largest unit, such as `4 min`, rounded down: for a column that ticks calmly. */
  shortDuration(length: number): string {
    if (length < minute) return this.unit(length, second, 'second');
    if (length < hour) return this.unit(length, minute, 'minute');
    if (length < 2 * day) return this.unit(length, hour, 'hour');
    return this.unit(length, day, 'day');
  }

  /** A moment with its date, to the second, and the name of the zone. */
  moment(at: Date): string {
    return this.format('moment', {
      year: 'numeric',
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    }).format(at);
  }

  /** A time of day, to the second. */
  time(at: Date): string {
    return this.format('time', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
  }

  /** A time of day, to the millisecond, with the day when it is not the same as that of another moment. */
  exactTimeBeside(at: Date, other: Date): string {
    const time = this.format('exact', {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
    }).format(at);
    return this.day(at) === this.day(other) ? time : `${this.day(at)} ${time}`;
  }

  /** The name of the zone in which times are shown, such as `CET`. */
  zoneName(at: Date): string {
    const parts = this.format('zone', { timeZoneName: 'short' }).formatToParts(at);
    return parts.find((part) => part.type === 'timeZoneName')?.value ?? this.preferences.zone();
  }

  /** A time of day to the minute. */
  hourAndMinute(at: Date): string {
    return this.format('hourAndMinute', { hour: '2-digit', minute: '2-digit' }).format(at);
  }

  /** A day of a month. */
  day(at: Date): string {
    return this.format('day', { month: 'short', day: 'numeric' }).format(at);
  }

  /** A time of day to the minute, with the day of a month. */
  dayAndTime(at: Date): string {
    return `${this.day(at)} ${this.hourAndMinute(at)}`;
  }

  /** A time of day, with the day when it is not the same as that of another moment. */
  timeBeside(at: Date, other: Date): string {
    return this.day(at) === this.day(other) ? this.time(at) : `${this.day(at)} ${this.time(at)}`;
  }

  count(value: number): string {
    return this.counts.format(value);
  }

  /** A number of bytes in its largest unit of a thousand each, such as `1.4 MB`. */
  bytes(value: number): string {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
    return (value / 1000 ** power).toLocaleString(this.locale, {
      style: 'unit',
      unit: units[power],
      maximumSignificantDigits: Math.max(3, String(Math.floor(value / 1000 ** power)).length),
    });
  }

  /** A part of a whole in percent. It says 0 % and 100 % only when they are exact. */
  share(part: number, whole: number): string {
    if (whole === 0) return '–';
    const percent = Math.round((1000 * part) / whole) / 10;
    const shown = part === 0 || part === whole ? percent : Math.min(99.9, Math.max(0.1, percent));
    return `${shown.toLocaleString(this.locale, { maximumFractionDigits: 1 })} %`;
  }

  private two(length: number, big: number, bigName: Unit, small: number, smallName: Unit): string {
    const rest = length % big;
    const first = this.unit(length, big, bigName);
    return rest < small ? first : `${first} ${this.unit(rest, small, smallName)}`;
  }

  private unit(length: number, size: number, name: Unit): string {
    let format = this.units.get(name);
    if (!format) {
      format = new Intl.NumberFormat(this.locale, { style: 'unit', unit: name, unitDisplay: 'short' });
      this.units.set(name, format);
    }
    return format.format(Math.max(0, Math.floor(length / size)));
  }

  private format(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const timeZone = this.preferences.zone();
    const key = `${kind} ${timeZone}`;
    let format = this.moments.get(key);
    if (!format) {
      // English as most of the world writes it, with the day before the month.
      const locale = this.locale === 'en' ? 'en-GB' : this.locale;
      format = new Intl.DateTimeFormat(locale, { ...options, timeZone, hourCycle: 'h23' });
      this.moments.set(key, format);
    }
    return format;
  }
}
