/**
 * `npm run scale -- --part 1`: how quick fsq is on a spool of 300,000 pending jobs, 300,000 results, 100,000 delayed jobs and
 * 50,000 keys, or a part of that. Prints a table; exits with 1 if something takes longer, or more memory, than it may.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, readdirSync, mkdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plant } from './scale/plant.mjs';

const FULL = { pending: 300_000, results: 300_000, delayed: 100_000, keys: 50_000 };
const REVOKED = 5_000;
const URGENT_JOBS = 50;
const REST_MS = 5_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { part: { type: 'string', default: '1' }, dir: { type: 'string' } } });
const part = Number(values.part);
const size = Object.fromEntries(Object.entries(FULL).map(([name, count]) => [name, Math.round(count * part)]));
const project = mkdtempSync(join(values.dir ?? tmpdir(), 'fsq-scale-'));
const spool = join(project, 'spool');
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGQUIT');
  rmSync(project, { recursive: true, force: true, maxRetries: 5 });
});
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(130));

const rows = [];
/** @param most what is allowed, in the unit of `value`; null: it is only told */
function note(what, value, unit, most = null) {
  rows.push({ what, text: `${Math.round(value)} ${unit}`, most, isGood: most === null || value <= most });
  console.log(`${what}: ${Math.round(value)} ${unit}`);
}

await main();
console.log('\n| what | measured | at most |\n| --- | --- | --- |');
for (const { what, text, most } of rows) console.log(`| ${what} | ${text} | ${most ?? ''} |`);
const bad = rows.filter(({ isGood }) => !isGood);
console.log(
  `scale: ${bad.length === 0 ? 'all within bounds' : `out of bounds: ${bad.map(({ what }) => what).join(', ')}`}`,
);
process.exit(bad.length === 0 ? 0 : 1);

async function main() {
  prepare();
  await fsq(['init']);
  const ready = plant(spool, size);
  console.log(`planted ${JSON.stringify(size)}`);
  await looks(ready);
  await atWork();
  const { ms } = await fsq(['revoke', ...ready.slice(-Math.round(REVOKED * part))]);
  note(`revoke of ${Math.round(REVOKED * part)} jobs`, ms, 'ms');
  await recovery();
}

/** The first answer of each command that looks, and the memory it takes. */
async function looks(ready) {
  const [last = ''] = ready.slice(-1);
  for (const [args, mostMs, mostMb] of [
    [['status'], 1_000, 400],
    [['ls', '--json'], 1_000, 400], // Without it, ls counts all jobs after its answer.
    [['ls'], null, null],
    [['ls', '--state', 'failed'], null, null],
    [['show', last], 1_000, 400],
    [['doctor'], 20_000, 300], // It reads every file.
  ]) {
    const { ms, cpuMs, peakMb } = await fsq(args);
    const what = `fsq ${args.map((arg) => (arg === last ? '<id>' : arg)).join(' ')}`;
    note(what, ms, 'ms');
    note(`${what}, of one CPU`, cpuMs, 'ms', mostMs);
    note(`${what}, memory`, peakMb, 'MB', mostMb);
  }
}

/** A worker with two children that has the backlog before it: urgent jobs, then a pause. */
async function atWork() {
  const worker = await startWorker();
  const { createApp } = await import(join(root, 'dist/index.js'));
  const app = createApp({ spool, fsync: false });
  const urgent = app.task('urgent', () => 0);
  const took = [];
  for (let i = 0; i < URGENT_JOBS; i++) {
    const sentAt = performance.now();
    await (await urgent.applyAsync([], { priority: 0 })).get('60s');
    took.push(performance.now() - sentAt);
    await wait(50);
  }
  took.sort((a, b) => a - b);
  note('urgent job behind the backlog, median', took[took.length >> 1], 'ms', 50);
  note('urgent job behind the backlog, slowest', took.at(-1), 'ms');
  note('jobs left in the backlog then', readdirSync(join(spool, 'pending')).length, 'jobs');
  await fsq(['pause', 'default']);
  await wait(2_000);
  note('worker and two children, memory', memoryMb(worker.pid), 'MB', 400);
  const before = cpuMs(worker.pid);
  await wait(REST_MS);
  note('worker and two children at rest, of one CPU', (100 * (cpuMs(worker.pid) - before)) / REST_MS, '%', 5);
  await app.close();
  await stop(worker);
}

/** A child is killed while every outcome expires and every key is looked at. */
async function recovery() {
  const worker = await startWorker({ FSQ_RESULT_TTL: '1s' });
  const { createApp } = await import(join(root, 'dist/index.js'));
  const app = createApp({ spool, fsync: false });
  await (
    await app.task('die', () => 0).applyAsync([join(project, 'died')], { priority: 0, queue: 'other' })
  ).get('60s');
  const [died, began] = readFileSync(join(project, 'died'), 'utf8').trim().split('\n').map(Number);
  note('next run of a job whose child was killed meanwhile', began - died, 'ms', 1_000);
  await app.close();
  await stop(worker);
}

function prepare() {
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/fsq'));
  const tasks = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
export const tick = task('tick', () => sleep(20));
export const urgent = task('urgent', () => 0);
export const die = task('die', (file) => {
  const isFirst = appendFileSync(file, Date.now() + '\\n') === undefined && process.getBuiltinModule('node:fs').readFileSync(file, 'utf8').split('\\n').length === 2;
  if (isFirst) process.kill(process.pid, 'SIGKILL');
});
`;
  const usage = `const { userCPUTime, systemCPUTime } = process.resourceUsage();
  require('node:fs').writeFileSync(__filename + '.txt', String((userCPUTime + systemCPUTime) / 1_000));`;
  writeFileSync(join(project, 'usage.cjs'), `process.on('exit', () => { ${usage} });`);
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  writeFileSync(join(project, 'tasks.js'), tasks);
}

function environment(more = {}) {
  return { ...process.env, FSQ_SPOOL: spool, FSQ_FSYNC: '0', ...more };
}

/** How long it took, the time of the CPU alone, which others of the machine do not lengthen, and its memory. */
function fsq(args) {
  const startedAt = performance.now();
  const usage = join(project, 'usage.cjs');
  const child = spawn(process.execPath, ['--require', usage, join(root, 'bin/fsq.js'), ...args], {
    cwd: project,
    env: environment(),
    stdio: 'ignore',
  });
  running.add(child);
  let peakMb = 0;
  const look = setInterval(() => (peakMb = Math.max(peakMb, statusMb(child.pid, 'VmHWM'))), 20);
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearInterval(look);
      running.delete(child);
      const cpuMs = Number(readFileSync(`${usage}.txt`, 'utf8'));
      resolve({ code, ms: performance.now() - startedAt, cpuMs, peakMb });
    }),
  );
}

function startWorker(more) {
  const child = spawn(process.execPath, [join(root, 'bin/fsq.js'), 'worker', '-c', '2'], {
    cwd: project,
    env: environment(more),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  return new Promise((resolve) => {
    let text = '';
    child.stderr.on('data', (data) => {
      text += data;
      if (/ready|children|tick/.test(text)) resolve(child);
    });
  });
}

function stop(child) {
  running.delete(child);
  return new Promise((resolve) => {
    child.on('close', resolve);
    child.kill('SIGTERM');
  });
}

/** The process and its children. */
function family(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children];
}

function memoryMb(pid) {
  return family(pid).reduce((sum, one) => sum + statusMb(one, 'VmRSS'), 0);
}

function cpuMs(pid) {
  return family(pid).reduce((sum, one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1].split(' ');
    return sum + 10 * (Number(fields[11]) + Number(fields[12]));
  }, 0);
}

function statusMb(pid, field) {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) / 1024;
  } catch {
    return 0; // It has ended.
  }
}
