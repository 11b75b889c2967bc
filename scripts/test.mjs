/**
 * Runs the tests: `node scripts/test.mjs [file or folder …] [--test-name-pattern=… or another option of node --test]`.
 *
 * Node's own runner finds no .ts file in a folder, and passes. This names the files, and fails when a file defines no test,
 * when no test ran, and when a process of the tests is still alive after them. The last line says what was counted, those before it what failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/**
 * How long one test file may take (node applies the limit to each file, then sends it SIGTERM). For one that hangs: the longest take 60 s on a
 * quiet machine, and had four minutes at a quarter of a processor.
 */
const FILE_TIMEOUT_MS = 600_000;
/** How long a process of the tests may still be there after them: the last ones are just being reaped. */
const LEFTOVER_GRACE_MS = 2_000;
/** The variable by which the processes of one run are known, also those that left its process group. */
const RUN_MARK = 'TEST_RUN';
const TESTS = fileURLToPath(new URL('../test', import.meta.url));
/** Takes the types off TypeScript. */
const STRIP_TYPES = new URL('strip-types/register.mjs', import.meta.url).href;
/** The folders of tests whose lines count under coverage. */
const COUNTED = ['conformance', 'e2e', 'unit'];
/** But for those files of them that start the same programs again and again: what they reach, others reach as well. */
const REPEATS = /^e2e\/(?:bench(?:-.*)?|(?:composition-)?chaos|closed-pipe|recycle|screen)\.test\.ts$/;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
let isInterrupted = false;

const args = process.argv.slice(2);
process.exitCode = await main(
  args.filter((arg) => !arg.startsWith('-')),
  args.filter((arg) => arg.startsWith('-')),
);

async function main(paths, options) {
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) return complain(`no such file or folder: ${missing}`);
  const files = (paths.length > 0 ? paths : ['test']).flatMap(testFilesIn);
  if (files.length === 0) return complain(`no *.test.ts in ${paths.join(', ') || 'test/'}`);

  const scratch = mkdtempSync(join(tmpdir(), 'fsq-tests-'));
  chmodSync(scratch, 0o711); // A server that a test starts here as another user finds its folder.
  const tallyFile = join(scratch, 'tally.json');
  try {
    let [status, tally] = [0, {}];
    for (const { part, env } of partsOf(files)) {
      if (isInterrupted) break;
      status = (await runNode(part, options, tallyFile, { ...env, [RUN_MARK]: scratch })) || status;
      tally = { ...tally, ...readTally(tallyFile) };
      rmSync(tallyFile, { force: true });
    }
    return judge(files, tally, status, await processesLeftBy(scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function testFilesIn(path) {
  if (statSync(path).isFile()) return [resolve(path)];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => resolve(path, name))
    .toSorted();
}

/**
 * Under coverage: the files that count, then the others, with what each inherits.
 *
 * Node writes up to three megabytes for each process that ends under coverage, and all of it is read at the end: more than a minute of the
 * processor for every thousand processes. The faults, the models, the pages of the docs and the packages start most of them, for lines that the
 * tests of the parts and of the command line reach as well.
 */
function partsOf(files) {
  const { NODE_V8_COVERAGE: coverage, ...env } = environment();
  if (coverage === undefined) return [{ part: files, env }];
  const counts = (file) => {
    const path = relative(TESTS, file).split(sep);
    return COUNTED.includes(path[0]) && !REPEATS.test(path.join('/'));
  };
  const parts = [
    { part: files.filter(counts), env: { ...env, NODE_V8_COVERAGE: coverage } },
    { part: files.filter((file) => !counts(file)), env },
  ];
  return parts.filter(({ part }) => part.length > 0);
}

/** Runs node's test runner; every process of the tests inherits `env`. */
async function runNode(files, options, tallyFile, env) {
  const nodeArgs = ['--import', STRIP_TYPES, '--test', ...reporting(tallyFile), ...options, ...files];
  const child = spawn(process.execPath, nodeArgs, { stdio: ['ignore', 'inherit', 'inherit'], env });
  const forward = (signal) => {
    isInterrupted = true;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  const [code] = await once(child, 'exit');
  for (const signal of SIGNALS) process.off(signal, forward);
  return code ?? 1;
}

function reporting(tallyFile) {
  // Files of tests wait for disks, timers, servers and processes for longer than they compute.
  const concurrency = Math.min(8, 2 * availableParallelism() + 1);
  return [
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('test-tally.mjs', import.meta.url)}`,
    `--test-reporter-destination=${tallyFile}`,
  ];
}

/** Ours without FSQ_*: a test must not see the spool or the settings of whoever runs it. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FSQ_')));
}

/** The command lines of what is still alive of `run`, which is then killed (on Linux; elsewhere none are seen). */
async function processesLeftBy(run) {
  const deadline = performance.now() + LEFTOVER_GRACE_MS;
  let left = processesOf(run);
  while (left.length > 0 && performance.now() < deadline) {
    await wait(50);
    left = processesOf(run);
  }
  const commands = left.map((pid) => `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`);
  for (const pid of left) killIfThere(Number(pid));
  return commands;
}

/** A zombie has no environment any more, so it is not among them. */
function processesOf(run) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => readProc(pid, 'environ').includes(`${RUN_MARK}=${run}\0`));
}

function killIfThere(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // It ended by itself after all.
  }
}

function readProc(pid, file) {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/${file}`, 'utf8') : '';
  } catch {
    return ''; // It ended in the meantime, or is somebody else's.
  }
}

function readTally(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {}; // The runner died before it could report; its own status says so.
  }
}

function judge(files, tally, status, leftovers) {
  const counts = Object.values(tally);
  const total = (key) => counts.reduce((sum, count) => sum + count[key], 0);
  const empty = files.filter((file) => tally[file]?.isEmpty === true);

  const complaints = [
    ...leftovers.map((command) => `a process outlived the tests and was killed: ${command}`),
    ...empty.map((file) => `${file} defines no test`),
    ...(total('passed') + total('failed') === 0 ? ['no test ran'] : []),
  ];
  for (const [file, { failures }] of Object.entries(tally)) {
    for (const { name, line, error } of failures) complain(`${relative('', file)}:${line} failed: ${name}\n${error}`);
  }
  for (const complaint of complaints) complain(complaint);
  console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
  return status === 0 && complaints.length > 0 ? 1 : status;
}

function complain(message) {
  console.error(`test: ${message}`);
  return 1;
}
