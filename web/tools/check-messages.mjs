// Compares the texts of the code with their translations: each needs one in every language, with the same placeholders,
// and none may be left over.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = 'src/locale';

async function texts() {
  const output = await mkdtemp(join(tmpdir(), 'fleetbeat-messages-'));
  try {
    execFileSync('ng', ['extract-i18n', '--output-path', output, '--progress', 'false'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return await translations(join(output, 'messages.json'));
  } finally {
    await rm(output, { recursive: true });
  }
}

async function translations(file) {
  return JSON.parse(await readFile(file, 'utf8')).translations;
}

const placeholders = (text) => [...new Set(text.match(/\{\$[^}]+\}/g))].sort().join(' ');

function faults(wanted, has) {
  const found = [];
  for (const [id, text] of Object.entries(wanted)) {
    if (!(id in has)) found.push(`is missing        ${JSON.stringify(id)}: ${JSON.stringify(text)}`);
    else if (placeholders(has[id]) !== placeholders(text))
      found.push(
        `other placeholders ${JSON.stringify(id)}: ${JSON.stringify(text)} became ${JSON.stringify(has[id])}`,
      );
  }
  for (const [id, text] of Object.entries(has)) {
    if (!(id in wanted)) found.push(`is not in the code ${JSON.stringify(id)}: ${JSON.stringify(text)}`);
  }
  return found;
}

const wanted = await texts();
for (const name of (await readdir(folder)).filter((name) => /^messages\.\w+\.json$/.test(name))) {
  const file = join(folder, name);
  for (const fault of faults(wanted, await translations(file))) {
    process.exitCode = 1;
    console.error(`${file}: ${fault}`);
  }
}
