/**
 * The limit of processing: processes, two by default, that make a job's system calls in a bare loop, in Node or in C. Of a `backlog` the
 * first `jobs` are done.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH } from '../places.mjs';
import { baseOf, fill, makeSpool } from '../limit/spool.mjs';
import { WARM_UP_JOBS } from '../scenarios/scenario.mjs';
import { now, print, readOptions } from './project.mjs';

const {
  dir,
  jobs,
  backlog = jobs,
  children = 2,
  language = 'node',
  bytes = 0,
  isSynced = true,
  isJson = false,
} = readOptions();
const program = language === 'c' ? compile() : [process.execPath, join(BENCH, 'limit/bare-loop.mjs')];
if (program === null) print({ missing: 'no C compiler (cc) was found' });
else await race(program);

async function race([command = '', ...first]) {
  makeSpool(dir);
  for (let i = 2; i < children; i++) mkdirSync(join(dir, 'running', String(i)));
  const warmUp = Math.min(WARM_UP_JOBS, jobs);
  fill(dir, warmUp + backlog, baseOf(bytes));
  if (isSynced) execFileSync('sync', ['-f', dir]);
  const loops = Array.from({ length: children }, (_, i) =>
    startLoop(command, [
      ...first,
      dir,
      String(i),
      String(children),
      String(bytes),
      String(warmUp / children),
      String(jobs / children),
      ...(isJson ? ['json'] : []),
    ]),
  );
  await Promise.all(loops.map(({ ready }) => ready));
  const startedMs = now();
  for (const { child } of loops) child.stdin.end('go\n');
  const ends = await Promise.all(loops.map(({ ended }) => ended));
  const done = ends.reduce((sum, end) => sum + end.jobs, 0);
  if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were done`);
  const seconds = (Math.max(...ends.map(({ endedMs }) => endedMs)) - startedMs) / 1_000;
  // The loop in C does not tell its own.
  const cpuUs = ends.reduce((sum, end) => sum + (end.cpuUs ?? Number.NaN), 0) / jobs;
  print({ jobs, seconds, ...(Number.isNaN(cpuUs) ? {} : { cpuUs }) });
}

function startLoop(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  let isReady = () => undefined;
  const ready = new Promise((resolve) => (isReady = resolve));
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
    if (text.startsWith('ready\n')) isReady();
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text.split('\n')[1] ?? ''));
      else reject(new Error(`${command} ended with ${code}`));
    });
  });
  return { child, ready, ended };
}

/** Null where there is no compiler. */
function compile() {
  const binary = join(dir, 'bare-loop');
  const { error } = spawnSync('cc', ['-O2', '-o', binary, join(BENCH, 'limit/bare-loop.c')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return error === undefined ? [binary] : null;
}
