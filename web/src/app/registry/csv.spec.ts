import { csvCell, csvOf, splitLine, template } from './csv';
import { linesAt, previewOf } from './csv-file';

describe('a line of CSV', () => {
  it.each([
    ['a,b,c', ['a', 'b', 'c']],
    ['a,,', ['a', '', '']],
    ['', ['']],
    ['"Hamngatan 3, Luleå",x', ['Hamngatan 3, Luleå', 'x']],
    ['"say ""hi""",""', ['say "hi"', '']],
    ['vin,timber;winter', ['vin', 'timber;winter']],
  ])('is split: %s', (line, cells) => expect(splitLine(line)).toEqual({ cells }));

  it.each([
    ['x,"open', 'open quote'],
    ['"a"b,c', 'late quote'],
    ['a"b,c', 'stray quote'],
  ])('tells why it cannot be split: %s', (line, bad) => expect(splitLine(line).bad).toBe(bad));

  it('shows no more of a huge cell than a person reads', () => {
    expect(splitLine(`a,${'x'.repeat(1_000_000)}`).cells[1]).toHaveLength(201);
  });

  it.each(['plain', 'a,b', 'say "hi"', ''])('reads as it was written: %s', (text) =>
    expect(splitLine(csvCell(text)).cells).toEqual([text]),
  );

  it('puts what a spreadsheet would run behind an apostrophe, which the server takes away', () => {
    expect(csvOf([['=1+1', "'=x", '-7', "O'Hara"]])).toBe("'=1+1,''=x,'-7,O'Hara\r\n");
  });
});

describe('the preview of a file', () => {
  it('recognises the columns and marks those that are not', async () => {
    const preview = await previewOf(new Blob(['vin,colour, tags \nTRAILER-7,red,timber;winter\n']));
    expect(preview.columns).toEqual([
      { name: 'vin', known: true },
      { name: 'colour', known: false },
      { name: 'tags', known: true },
    ]);
    expect(preview.lines).toEqual([{ number: 2, cells: ['TRAILER-7', 'red', 'timber;winter'] }]);
    expect(preview.more).toBe(false);
  });

  it('reads files with a byte order mark, with CRLF, and with blank lines', async () => {
    const preview = await previewOf(new Blob(['\ufeffvin,customer_id\r\n\r\na,b\r\n,\r\nc,d']));
    expect(preview.columns[0]).toEqual({ name: 'vin', known: true });
    expect(preview.lines).toEqual([
      { number: 3, cells: ['a', 'b'] },
      { number: 5, cells: ['c', 'd'] },
    ]);
  });

  it('reads its own template', async () => {
    const preview = await previewOf(new Blob([template]));
    expect(preview.columns.every((column) => column.known)).toBe(true);
    expect(preview.lines[0]?.cells[4]).toBe('Cementvägen 8, 111 11 Södertälje');
    expect(preview.lines.every((line) => line.cells.length === preview.columns.length)).toBe(true);
  });

  it('looks at the beginning only', async () => {
    const file = new Blob(['vin,customer_id\n', 'x,y\n'.repeat(200_000)]);
    const read = vi.spyOn(file, 'slice');
    const preview = await previewOf(file);
    expect(read.mock.calls).toEqual([[0, 256 << 10]]);
    expect(preview.lines).toHaveLength(8);
    expect(preview.more).toBe(true);
  });

  it('is bounded when the file is one huge line', async () => {
    const preview = await previewOf(new Blob(['v'.repeat(1_000_000)]));
    expect(preview.columns).toEqual([{ name: `${'v'.repeat(200)}…`, known: false }]);
  });

  it.each([
    ['', 'empty'],
    ['\n\n', 'empty'],
    ['vin;customer_id\na;b', 'semicolons'],
  ] as const)('says what is wrong with the whole of %j', async (text, fault) =>
    expect((await previewOf(new Blob([text]))).fault).toBe(fault),
  );

  it('says that it cannot read UTF-16', async () => {
    expect((await previewOf(new Blob([new Uint8Array([0xff, 0xfe, 0x76, 0])]))).fault).toBe('UTF-16');
  });
});

describe('single lines of a file', () => {
  it('are found by number, the last without its end too', async () => {
    const file = new Blob(['one\r\ntwo\nthree\nfour']);
    expect([...(await linesAt(file, [2, 1, 4]))]).toEqual([
      [1, 'one'],
      [2, 'two'],
      [4, 'four'],
    ]);
  });

  it('are whole where they reach from one chunk into the next', async () => {
    const filler = 'x'.repeat((1 << 20) - 5);
    const found = await linesAt(new Blob([`${filler}\nåäö,åäö,åäö\nlast`]), [2, 3]);
    expect(found.get(2)).toBe('åäö,åäö,åäö');
    expect(found.get(3)).toBe('last');
  });

  it('are cut when they are huge', async () => {
    const found = await linesAt(new Blob(['x'.repeat(3 << 20), '\nlast']), [1, 2]);
    expect(found.get(1)).toHaveLength(64 << 10);
    expect(found.get(2)).toBe('last');
  });

  it('are not looked for beyond the last one', async () => {
    const file = new Blob(['a\n'.repeat(2 << 20)]);
    const read = vi.spyOn(file, 'slice');
    await linesAt(file, [3]);
    expect(read).toHaveBeenCalledTimes(1);
  });
});
