import { columns, splitLine } from './csv';

const sampleSize = 256 << 10; // bytes that are read for the preview
const sampleLines = 8; // lines that are shown below the header
const chunkSize = 1 << 20; // bytes between two breaths of the page
const longest = 64 << 10; // bytes of a line; the server's own limit

/** A column of a file. */
export interface Column {
  name: string;
  /** Whether the server knows it. */
  known: boolean;
}

/** The beginning of a file. */
export interface Preview {
  columns: Column[];
  lines: { number: number; cells: string[] }[];
  /** Whether the file goes on after the lines. */
  more: boolean;
  /** What makes the whole file unreadable. */
  fault?: 'empty' | 'UTF-16' | 'semicolons';
}

/** Reads the beginning of a file. However large it is, and however long its lines, only 256 KiB are looked at. */
export async function previewOf(file: Blob): Promise<Preview> {
  const bytes = new Uint8Array(await file.slice(0, sampleSize).arrayBuffer());
  const none: Preview = { columns: [], lines: [], more: false };
  if (isUtf16(bytes)) return { ...none, fault: 'UTF-16' };
  const texts = new TextDecoder().decode(bytes).split('\n'); // it takes a byte order mark away
  const whole = file.size <= sampleSize;
  if (!whole && texts.length > 1) texts.pop(); // the last line may be cut
  const lines = texts
    .map((text, index) => ({ number: index + 1, text: text.replace(/\r$/, '') }))
    .filter(({ text }) => text.replace(/[\s,"]/g, '') !== '');
  const head = lines.shift();
  if (!head) return { ...none, fault: 'empty' };
  const names = splitLine(head.text).cells.map((cell) => cell.trim());
  return {
    columns: names.map((name) => ({ name, known: (columns as readonly string[]).includes(name) })),
    lines: lines.slice(0, sampleLines).map(({ number, text }) => ({ number, cells: splitLine(text).cells })),
    more: !whole || lines.length > sampleLines,
    ...(names.length === 1 && names[0]?.includes(';') && { fault: 'semicolons' as const }),
  };
}

/** The texts of some lines of a file, by number from 1; of a huge line its beginning. The page goes on meanwhile. */
export async function linesAt(
  file: Blob,
  numbers: Iterable<number>,
  signal?: AbortSignal,
): Promise<Map<number, string>> {
  const wanted = new Set(numbers);
  const last = Math.max(0, ...wanted);
  const found = new Map<number, string>();
  let line: Uint8Array[] = []; // the parts of a wanted line that reaches over chunks
  let number = 1;
  for (let at = 0; at < file.size && number <= last; at += chunkSize) {
    signal?.throwIfAborted();
    const chunk = new Uint8Array(await file.slice(at, at + chunkSize).arrayBuffer());
    for (let from = 0; from < chunk.length && number <= last;) {
      const end = chunk.indexOf(10, from);
      const to = end < 0 ? chunk.length : end;
      if (wanted.has(number)) line.push(chunk.slice(from, Math.min(to, from + longest)));
      if (end < 0) break;
      if (wanted.has(number)) found.set(number, textOf(line));
      line = [];
      from = end + 1;
      number++;
    }
  }
  if (line.length > 0) found.set(number, textOf(line));
  return found;
}

function textOf(parts: Uint8Array[]): string {
  const bytes = new Uint8Array(
    Math.min(
      longest,
      parts.reduce((sum, part) => sum + part.length, 0),
    ),
  );
  let at = 0;
  for (const part of parts) {
    const fitting = part.subarray(0, bytes.length - at);
    bytes.set(fitting, at);
    at += fitting.length;
  }
  return new TextDecoder().decode(bytes).replace(/\r$/, '');
}

function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return marked || bytes.subarray(0, 4).includes(0);
}
