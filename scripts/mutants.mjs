/**
 * `npm run mutants [-- NAME…]`: breaks fsq in a copy, one rule at a time, and runs the tests that must notice. Exits with 1
 * if a mutant survives, or if its place in the sources is no longer there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants/list.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Takes the types off TypeScript. */
const STRIP_TYPES = './scripts/strip-types/register.mjs';
/** A mutant may make its test wait for what never comes, ms. Well above what the slowest test takes on a busy machine. */
const TIMEOUT_MS = 300_000;

const wanted = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const copy = copyOfCheckout();
/** Tests that pass on the sources as they are, by file and pattern. One run of each says that. */
const whole = new Map();
process.on('exit', () => rmSync(copy, { recursive: true, force: true, maxRetries: 5 }));
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(130));

const survivors = chosen.filter((mutant) => {
  const verdict = tryMutant(mutant);
  console.log(
    `${verdict.padEnd(8)} ${mutant.name}   (${mutant.test}${mutant.pattern === undefined ? '' : `, "${mutant.pattern}"`})`,
  );
  return verdict !== 'caught';
});
console.log(`mutants: ${chosen.length - survivors.length} of ${chosen.length} caught`);
process.exitCode = survivors.length === 0 && chosen.length > 0 ? 0 : 1;

/** 'caught', 'SURVIVED', 'BROKEN' when the test fails on the sources as they are, or 'STALE' when they have changed. */
function tryMutant(mutant) {
  const path = join(copy, mutant.file);
  const before = readFileSync(path, 'utf8');
  if (before.split(mutant.find).length !== 2) return 'STALE';
  if (!passesWhole(mutant)) return 'BROKEN';
  writeFileSync(
    path,
    before.replace(mutant.find, () => mutant.replace),
  );
  try {
    return passes(mutant) ? 'SURVIVED' : 'caught';
  } finally {
    writeFileSync(path, before);
  }
}

function passesWhole(mutant) {
  const key = JSON.stringify([mutant.test, mutant.pattern]);
  if (!whole.has(key)) whole.set(key, passes(mutant));
  return whole.get(key);
}

function passes({ test, pattern }) {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: copy, stdio: 'ignore' });
  const filter = pattern === undefined ? [] : [`--test-name-pattern=${pattern}`];
  const { status } = spawnSync(process.execPath, ['--import', STRIP_TYPES, '--test', ...filter, test], {
    cwd: copy,
    // The gate samples the states of a power cut; the one that shows a mutant must be among them.
    env: { ...process.env, CRASH_STATES: '400' },
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
  return status === 0;
}

function copyOfCheckout() {
  const target = mkdtempSync(join(tmpdir(), 'fsq-mutants-'));
  chmodSync(target, 0o755); // Some tests run a program of it as another user.
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '');
  for (const file of files) cpSync(join(root, file), join(target, file));
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'));
  return target;
}
