// Moves the built page from build/ to dist/, where the Go binary embeds it, has the browser load the home page's code at
// once, and puts a .br and a .gz beside each file that gets smaller by them.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const from = 'build';
const to = 'dist';
const figures = 'browser-stats.json'; // what ng build says of its files, for us alone
const firstScreen = ['src/app/start.ts', 'src/app/fleet/fleet-page.ts'];
const compressible = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.webmanifest']);

async function pack() {
  for (const name of await readdir(to)) {
    if (name !== '.gitignore') await rm(join(to, name), { recursive: true });
  }
  await preload();
  const files = (await readdir(from, { recursive: true, withFileTypes: true })).filter(
    (file) => file.isFile() && file.name !== figures,
  );
  for (const file of files) {
    const source = join(file.parentPath, file.name);
    const target = join(to, source.slice(from.length + 1));

    await mkdir(join(target, '..'), { recursive: true });
    await cp(source, target);
    if (compressible.has(extname(file.name))) await compress(target);
  }
}

// Code is found by reading the code that imports it. All that is found on the way to the first screen is named in the page, so
// that it comes in one round.
async function preload() {
  const { outputs } = JSON.parse(await readFile(join(from, figures), 'utf8'));
  const needed = new Set();
  const need = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement') need(path);
  };
  for (const entry of firstScreen) {
    const found = Object.keys(outputs).find((name) => outputs[name].entryPoint === entry);
    if (!found) throw new Error(`no chunk begins with ${entry}`);
    need(found);
  }
  const index = join(from, 'index.html');
  const links = [...needed].map((name) => `<link rel="modulepreload" href="${name}">`).join('');
  const page = await readFile(index, 'utf8');
  await writeFile(index, page.replace('</head>', `${links}</head>`));
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
