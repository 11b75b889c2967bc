/** Loads TypeScript with spaces where its types stand. What was stripped once is kept beside the packages, by the digest of its text. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kept = fileURLToPath(new URL('../../node_modules/.cache/stripped', import.meta.url));
let swc = null;

/** By the ends of files. */
const FORMATS = { '.ts': 'module', '.mts': 'module', '.cts': 'commonjs' };

/** A hook of node:module. */
export function load(url, context, nextLoad) {
  const format = FORMATS[extname(new URL(url).pathname)];
  if (format === undefined) return nextLoad(url, context);
  return { format, source: stripped(readFileSync(fileURLToPath(url), 'utf8')), shortCircuit: true };
}

function stripped(text) {
  const path = join(kept, createHash('sha256').update(text).digest('hex'));
  try {
    return readFileSync(path, 'utf8');
  } catch {
    swc ??= createRequire(import.meta.url)('@swc/wasm-typescript'); // Four megabytes.
    const { code } = swc.transformSync(text, { mode: 'strip-only' });
    keep(path, code);
    return code;
  }
}

/** Whole or not at all: other processes of the tests read it. */
function keep(path, code) {
  mkdirSync(kept, { recursive: true });
  const draft = `${path}-${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, path);
}
