/** A limit for each tenant: kept over two workers of which children are killed, and none starves behind the backlog of another. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, type Project, run, startWorker, tempProject } from '../support/project.ts';

const TASKS = `
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
const log = (...words) => appendFileSync('log.txt', words.join(' ') + '\\n');
export const work = task('work', { concurrency: { per: (tenant) => tenant, at: 2 } }, async (tenant, n, ms) => {
  log('+', tenant, process.pid, n);
  await sleep(ms);
  while (n >= Number(readFileSync('open.txt', 'utf8'))) await sleep(5);
  log('-', tenant, process.pid, n);
});
`;
/** Sends so many jobs of each tenant: `node send.mjs ms a=100 b=5`. */
const SEND = `
import { work } from './tasks.js';
const [ms, ...tenants] = process.argv.slice(2);
const counts = tenants.map((one) => one.split('='));
await work.delayMany(counts.flatMap(([tenant, count]) => Array.from({ length: Number(count) }, (_, n) => [tenant, n, Number(ms)])));
`;

interface Line {
  readonly what: string;
  readonly tenant: string;
  readonly pid: number;
}

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS, 'send.mjs': SEND, 'log.txt': '', 'open.txt': '10000' });
}

async function send(at: Project, ms: number, ...tenants: readonly string[]): Promise<void> {
  const sent = await run(at, process.execPath, ['send.mjs', `${ms}`, ...tenants]);
  assert.equal(sent.code, 0, sent.stderr);
}

function linesOf(at: Project): readonly Line[] {
  const lines = readFileSync(join(at.path, 'log.txt'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [what = '', tenant = '', pid] = line.split(' ');
    return { what, tenant, pid: Number(pid) };
  });
}

/** How many jobs of one tenant ran at one time at most. What a killed process had begun is over. */
function mostAtOnce(lines: readonly Line[]): number {
  const running = new Map<number, string>();
  const dead = new Set<number>();
  let most = 0;
  for (const { what, tenant, pid } of lines) {
    if (dead.has(pid)) continue;
    if (what === 'x') dead.add(pid);
    if (what === '+') running.set(pid, tenant);
    else running.delete(pid);
    most = Math.max(most, [...running.values()].filter((other) => other === tenant).length);
  }
  return most;
}

test('two workers and deaths: never more than two jobs of a tenant at a time, and all run', async (t) => {
  const at = project(t);
  // So many of each tenant may end: some are left for each death, however late this process sees that it is time.
  const open = (count: number): void => {
    writeFileSync(join(at.path, 'open.new'), `${count}`);
    renameSync(join(at.path, 'open.new'), join(at.path, 'open.txt'));
  };
  const dead = new Set<number>();
  open(0);
  const workers = [await startWorker(t, at, ['-c', '4']), await startWorker(t, at, ['-c', '4'])];
  await send(at, 40, 'a=40', 'b=40', 'c=40');

  for (let deaths = 1; deaths <= 8; deaths++) {
    open(4 * deaths);
    const victim = await until(() => {
      const last = linesOf(at)
        .filter(({ pid }) => !dead.has(pid))
        .at(-1);
      return last?.what === '+' ? last.pid : null;
    }, `it is time for death ${deaths}`);
    // It notes nothing more, and yet holds its job: after the kill another may begin at any moment.
    process.kill(victim, 'SIGSTOP');
    appendFileSync(join(at.path, 'log.txt'), `x - ${victim}\n`);
    process.kill(victim, 'SIGKILL');
    dead.add(victim);
  }
  open(40);
  await until(() => namesIn(at.spool, 'results').length === 120, 'all ran', 60_000);
  for (const worker of workers) await worker.stop();

  assert.equal(mostAtOnce(linesOf(at)), 2);
  assertAtRest(at.spool, { results: 120 });
});

test('a tenant with two jobs starts at once, and has its turns, beside two thousand of another', async (t) => {
  const at = project(t);
  await send(at, 20, 'a=2000');
  const worker = await startWorker(t, at, ['-c', '2']);
  await until(() => linesOf(at).length > 20, 'the first ones have run');

  const before = linesOf(at).filter(({ what }) => what === '+').length;
  await send(at, 20, 'b=4');
  await until(() => linesOf(at).filter(({ what, tenant }) => what === '-' && tenant === 'b').length === 4, 'b is done');
  const starts = linesOf(at)
    .filter(({ what }) => what === '+')
    .map(({ tenant }) => tenant);
  await worker.stop();

  const firstB = starts.indexOf('b');
  t.diagnostic(`${firstB - before} jobs of a began between the sending of b, with the start of its program, and b`);
  assert.ok(starts.lastIndexOf('b') - firstB < 20, starts.slice(firstB, firstB + 30).join(''));
  assert.ok(firstB < 1_000, `b waited for ${firstB} starts`);
});

test('fsq call names the limit key, and calls without one share the limit', async (t) => {
  const at = project(t);
  const worker = await startWorker(t, at, ['-c', '6']);
  for (let i = 0; i < 3; i++) await fsq(at, ['call', 'work', 'a', `${i}`, '700', '--limit-key', 'one']);
  for (let i = 0; i < 3; i++) await fsq(at, ['call', 'work', 'none', `${i}`, '700']);

  await until(() => linesOf(at).filter(({ what }) => what === '-').length === 6, 'all have run');
  const empty = await fsq(at, ['call', 'work', '--limit-key', '']);
  await worker.stop();

  assert.ok(mostAtOnce(linesOf(at)) <= 2);
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /`limitKey` to be a text of 1 to 1024 bytes of UTF-8, got an empty one/);
});
