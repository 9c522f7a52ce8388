// Moves the built page from build/ to dist/, where the Go binary embeds it, and puts a .br and a .gz beside each file
// that gets smaller by them.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const from = 'build';
const to = 'dist';
const compressible = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.webmanifest']);

async function pack() {
  for (const name of await readdir(to)) {
    if (name !== '.gitignore') await rm(join(to, name), { recursive: true });
  }
  const files = (await readdir(from, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  for (const file of files) {
    const source = join(file.parentPath, file.name);
    const target = join(to, source.slice(from.length + 1));

    await mkdir(join(target, '..'), { recursive: true });
    await cp(source, target);
    if (compressible.has(extname(file.name))) await compress(target);
  }
}

async function compress(path) {
  const data = await readFile(path);
  const packed = {
    br: brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }),
    gz: gzipSync(data, { level: 9 }),
  };
  for (const [ending, bytes] of Object.entries(packed)) {
    if (bytes.length < data.length) await writeFile(`${path}.${ending}`, bytes);
  }
}

await pack();
