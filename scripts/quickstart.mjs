/**
 * `npm run quickstart`: runs examples/quickstart, the README's own code, with a worker and a spool of its own.
 *
 * Prints each step when it happens, with the time since the program started. Exits with 1 if a step is not as the README
 * promises, and with 128 + the signal's number when interrupted. Worker, program and spool are gone afterwards.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What main.ts does, line of output by line of output. */
const STEPS = [
  { code: 'await add(1, 2)', prints: '3', meaning: 'it ran in this process' },
  { code: 'await add.run(1, 2)', prints: '3', meaning: 'the same, by name' },
  { code: 'const result = await add.delay(1, 2)\nawait result.ready()', prints: 'false', meaning: 'a worker has it' },
  { code: 'await result.get()', prints: '3', meaning: 'the value, from the worker' },
  { code: 'await result.ready()', prints: 'true', meaning: 'the outcome is in a file' },
  {
    code: "const slow = await add.delay(3, 4)\nawait slow.get('3s')",
    prints: 'TimeoutError',
    meaning: 'add takes 4 s; the job goes on',
  },
  { code: "await slow.get('10s')", prints: '7', meaning: 'the same handle, asked again' },
];
/** After this the quick start is given up, ms; it takes 17 s on an idle machine. */
const PATIENCE_MS = 90_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLE = join('examples', 'quickstart');

const spool = mkdtempSync(join(tmpdir(), 'fsq-quickstart-'));
/** Without the caller's FSQ_*: the quick start has the default settings and its own spool. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FSQ_'))),
  FSQ_SPOOL: spool,
};
const running = new Set();
let interruption = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    interruption = signal;
    for (const child of running) child.kill('SIGQUIT');
  });
}
const patience = setTimeout(() => {
  console.error(`quickstart: not done after ${PATIENCE_MS / 1_000} s; giving up`);
  for (const child of running) child.kill('SIGQUIT');
}, PATIENCE_MS);

let isGood = false;
try {
  isGood = await quickStart();
} finally {
  clearTimeout(patience);
  rmSync(spool, { recursive: true, force: true, maxRetries: 5 });
}
if (interruption !== null) process.exitCode = 128 + constants.signals[interruption];
else process.exitCode = isGood ? 0 : 1;

async function quickStart() {
  const worker = startWorker();
  const hasStarted = await worker.started;
  const isAsPromised = hasStarted && interruption === null && (await runProgram());

  worker.child.kill('SIGTERM');
  const [code] = await worker.ended;
  if (interruption !== null) return false;
  if (code !== 0) console.error(`quickstart: the worker ended with ${code}, expected 0`);
  console.log(isAsPromised && code === 0 ? '\nEverything went as promised.' : '\nThat was not as promised.');
  return isAsPromised && code === 0;
}

/** In a process group of its own: the terminal's Ctrl-C is for this script, which then stops the worker. */
function startWorker() {
  const args = ['bin/fsq.js', 'worker', '-c', '1', '-l', 'info', '--tasks', join(EXAMPLE, 'tasks.ts')];
  console.log(`$ node ${args.join(' ')}`);
  const format = process.stdout.isTTY && !process.env.NO_COLOR ? 'colour' : 'text';
  const child = track(
    spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...env, FSQ_LOG_FORMAT: format },
      stdio: ['ignore', 'inherit', 'pipe'],
      detached: true,
    }),
  );
  const ended = once(child, 'close');
  void ended.then(() => {
    for (const program of running) program.kill(); // Nobody is left to run its jobs.
  });
  const started = new Promise((resolve) => {
    createInterface(child.stderr).on('line', (line) => {
      console.log(`  worker | ${line}`.trimEnd());
      if (line.includes('[tasks]')) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  return { child, ended, started };
}

/** Runs main.ts; true if it printed what STEPS says and ended well. */
async function runProgram() {
  const args = ['--import', 'tsx', join(EXAMPLE, 'main.ts')];
  console.log(`\n$ node ${args.join(' ')}`);
  const startedAt = performance.now();
  const child = track(
    spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true }),
  );
  const ended = once(child, 'close');
  let done = 0;
  let isGood = true;
  for await (const line of createInterface(child.stdout)) {
    const step = STEPS[done++];
    if (step?.prints === line) printStep(step, performance.now() - startedAt);
    else {
      isGood = false;
      console.error(`quickstart: expected ${step === undefined ? 'no more output' : step.prints}, got ${line}`);
    }
  }
  const [code] = await ended;
  if (interruption !== null) return false;
  if (code !== 0) console.error(`quickstart: main.ts ended with ${code}, expected 0`);
  if (done < STEPS.length) console.error(`quickstart: main.ts printed ${done} lines, expected ${STEPS.length}`);
  return isGood && code === 0 && done === STEPS.length;
}

function printStep({ code, prints, meaning }, ms) {
  const lines = code.split('\n');
  const last = lines.pop();
  for (const line of lines) console.log(`           ${line}`);
  console.log(`  ${(ms / 1_000).toFixed(1).padStart(4)} s   ${last.padEnd(24)} → ${prints.padEnd(12)}  ${meaning}`);
}

function track(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
