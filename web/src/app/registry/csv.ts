/** The columns that the server knows, in the order of its export. */
export const columns = [
  'vin',
  'registration_number',
  'customer_id',
  'customer_name',
  'customer_address',
  'tags',
  'late_after',
  'offline_after',
  'paused',
] as const;

/** A file to begin with: all columns, and two vehicles as examples. */
export const template = `${columns.join(',')}
YS2R4X20005399401,ABC123,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",gravel;winter,,,false
TRAILER-7,,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",,5m,15m,false
`;

/** Characters of a cell that are shown: nobody reads more, and a line may be huge. */
const shownLength = 200;

/** The cells of a line, and why it cannot be split if it cannot. */
export interface Cells {
  cells: string[];
  bad?: 'open quote' | 'late quote' | 'stray quote';
}

/** Splits a line into cells as the server does: RFC 4180 without line breaks in a cell. */
export function splitLine(line: string): Cells {
  const cells: string[] = [];
  let rest = line;
  for (;;) {
    if (rest.startsWith('"')) {
      const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
      if (!quoted) return { cells: [...cells, cut(rest)], bad: 'open quote' };
      cells.push(cut((quoted[1] ?? '').replaceAll('""', '"')));
      rest = rest.slice(quoted[0].length);
      if (rest === '') return { cells };
      if (!rest.startsWith(',')) return { cells, bad: 'late quote' };
    } else {
      const end = rest.indexOf(',');
      const cell = end < 0 ? rest : rest.slice(0, end);
      cells.push(cut(cell));
      if (cell.includes('"')) return { cells, bad: 'stray quote' };
      if (end < 0) return { cells };
      rest = rest.slice(end);
    }
    rest = rest.slice(1);
  }
}

/** Writes a cell so that the server reads exactly this text. */
export function csvCell(text: string): string {
  const guarded = /^'*[=+\-@]/.test(text) ? `'${text}` : text; // the server takes one apostrophe away
  return /[",\n\r]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** Writes lines of cells as a file. */
export function csvOf(lines: readonly (readonly string[])[]): string {
  return lines.map((cells) => cells.map(csvCell).join(',') + '\r\n').join('');
}

function cut(cell: string): string {
  return cell.length > shownLength ? `${cell.slice(0, shownLength)}…` : cell;
}
