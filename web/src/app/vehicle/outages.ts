import { Presence } from '../api/shapes';
import { Span, Stretch, unobservedIn } from '../ui/strip-pieces';

/** A connection, an outage, or a time in which a vehicle was not watched or never heard. Milliseconds since 1970. */
export interface Period {
  /** Of a connection `online`, although the vehicle may have been late in it: it was not proven silent. */
  presence: Exclude<Presence, 'late'>;
  /** Undefined when it began before what is known. */
  from: number | undefined;
  /** Undefined while it lasts. */
  to: number | undefined;
  /** How much of it was not observed. */
  unobserved: number;
}

/** Joins what is known of a vehicle's presence into periods, newest first. */
export function periodsOf(stretches: readonly Stretch[], unobserved: readonly Span[], now: number): Period[] {
  const periods: Period[] = [];
  for (const stretch of stretches) {
    if (stretch.presence === undefined) continue;
    const presence = stretch.presence === 'late' ? 'online' : stretch.presence;
    const to = stretch.to === Infinity ? undefined : stretch.to;
    const dark = unobservedIn({ from: stretch.from, to: Math.min(stretch.to, now) }, unobserved);
    const last = periods[0];
    if (last?.presence === presence && last.to === stretch.from) {
      last.to = to;
      last.unobserved += dark;
    } else {
      periods.unshift({ presence, from: beginOf(stretch), to, unobserved: dark });
    }
  }
  return periods;
}

// A connection that is only known since the vehicle was last late, or whose past is not known, began some time before.
function beginOf({ from, presence, before }: Stretch): number | undefined {
  const connected = (one: Presence | undefined) => one === 'online' || one === 'late';
  return connected(presence) && (before === undefined || connected(before)) ? undefined : from;
}

/** Periods as CSV: moments in UTC, lengths in seconds; what is not known is empty. */
export function periodsCsv(vin: string, periods: readonly Period[], now: number): string {
  const rows = periods.map(({ presence, from, to, unobserved }) => [
    cell(vin),
    presence,
    from === undefined ? '' : new Date(from).toISOString(),
    to === undefined ? '' : new Date(to).toISOString(),
    from === undefined ? '' : String(((to ?? now) - from) / 1000),
    String(unobserved / 1000),
  ]);
  const header = ['vin', 'presence', 'from', 'to', 'seconds', 'unobserved_seconds'];
  return [header, ...rows].map((row) => row.join(',') + '\r\n').join('');
}

// As the server's export: a spreadsheet must not run an id as a formula.
function cell(text: string): string {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
