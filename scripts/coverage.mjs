/**
 * Runs `npm test` under c8 and fails below the floor of .c8rc.json.
 *
 * Unit tests run src/ without its types, the others run dist/, partly in forked children: both are mapped back to src/ and added up.
 * A child counts only if it exits by itself; one that is killed from outside has no time to write what it ran.
 *
 * The JavaScript of dist/ does not name its source maps meanwhile: each of the thousands of processes would read them at its end, and write them
 * down, 1.7 MB of 2.1. Here they are read once (add-up-coverage.mjs).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'rolldown/utils';
import { addUp } from './add-up-coverage.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const c8 = join(root, 'node_modules', 'c8', 'bin', 'c8.js');
/** The library once more, without source maps: whatever of it a test runs is counted in src/ when the ESM build runs it. */
const COPIES = ['dist/index.cjs', 'dist/testing/testing.cjs', 'dist/ui/ui.cjs'];
// Named here they stand in the place of those of .c8rc.json.
const excludes = [...COPIES, ...filesOfTypesOnly()].map((file) => `--exclude=${file}`);
const written = join(root, 'coverage', 'tmp'); // Where c8 looks for it.

rmSync(written, { recursive: true, force: true });
mkdirSync(written, { recursive: true });
const tests = run('npm', ['test'], { NODE_V8_COVERAGE: written, SOURCE_MAPS: 'unnamed' });
process.exitCode = tests || (await report()) || run('npm', ['run', '-s', 'build']);

/** Only when all tests passed: what a broken run has reached says nothing, and its hundreds of lines would stand after the failures. */
async function report() {
  await addUp(written);
  return run(process.execPath, [c8, 'report', ...excludes]);
}

/** @returns {number} how it ended */
function run(program, args, env = {}) {
  return spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
}

/** The sources that leave no code behind. Nothing loads such a file, so c8 would take each of its lines for one that no test reached. */
function filesOfTypesOnly() {
  return readdirSync(join(root, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join('src', file))
    .filter((file) => isWithoutCode(transformSync(file, readFileSync(join(root, file), 'utf8')).code));
}

/** Nothing but names that are passed on, as in src/index.ts, is no code either: the build turns it into one line without a source map. */
function isWithoutCode(javascript) {
  return (
    javascript.replace(/\/\*[^]*?\*\/|\/\/.*|export \{[^}]*\}(?: from "[^"]*")?;/g, '').replaceAll(/[;\s]/g, '') === ''
  );
}
