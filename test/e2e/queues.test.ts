/** Queues as people use them: paused and resumed from another shell, limited over all workers, taken in turns. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAtRest } from '../support/at-rest.ts';
import { until, within } from '../support/conditions.ts';
import { fsq, type Project, run, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
const log = (text) => appendFileSync('log.txt', text + '\\n');
export const note = task('note', async (n) => log('note ' + n));
const timed = (name) => async () => {
  log('+ ' + name);
  await sleep(30);
  log('- ' + name);
};
export const held = task('held', async () => {
  log('held');
  while (!existsSync('go')) await sleep(10);
});
export const crawl = task('crawl', timed('crawl'));
export const alone = task('alone', { concurrency: 1 }, timed('alone'));
export const slow = task('slow', { rateLimit: '10/s' }, async () => log('start ' + Date.now()));
`;

const DAY_MS = 86_400_000;

const linesOf = (at: Project): readonly string[] => readFileSync(join(at.path, 'log.txt'), 'utf8').trim().split('\n');

/** A project whose log is there from the beginning. */
function project(t: Parameters<typeof tempProject>[0], files: Readonly<Record<string, string>> = {}): Project {
  return tempProject(t, { 'tasks.js': TASKS, 'log.txt': '', ...files });
}

test('a queue is paused and resumed from another shell, while a worker runs', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);
  await (await send('note', ['before'])).get('20s');

  const paused = await fsq(at, ['pause', 'default', 'mail']);
  await until(() => worker.stderr().includes('paused: default, mail'), 'the worker says so');
  const held = await send('note', ['held']);
  const other = await send('note', ['other'], { queue: 'others' });
  await other.get('20s');
  const status = await fsq(at, ['status']);
  const json = await fsq(at, ['status', '--json']);
  assert.equal(await held.ready(), false);
  const resumed = await fsq(at, ['resume', 'default', '--json']);
  await held.get('20s');
  const again = await fsq(at, ['resume', 'default']);
  await worker.stop();

  assert.deepEqual(
    [paused.code, paused.stdout],
    [0, 'default is paused; it has no ready jobs\nmail is paused; it has no ready jobs\n'],
  );
  assert.match(status.stdout, /^paused +default, mail$/m);
  assert.match(status.stdout, /Queue default is paused and 1 job of it waits: `fsq resume default`\./);
  assert.deepEqual(JSON.parse(json.stdout).paused, ['default', 'mail']);
  assert.deepEqual(JSON.parse(resumed.stdout), [{ queue: 'default', paused: false, changed: true, pending: 1 }]);
  assert.equal(again.stdout, 'default was not paused; it has no ready jobs\n');
  assert.deepEqual(linesOf(at), ['note before', 'note other', 'note held']);
  assertAtRest(at.spool, { results: 3 });
});

test('a worker that starts later keeps to a pause, and a burst does not wait for it', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await send('note', ['held']);
  await send('note', ['other'], { queue: 'others' });
  await fsq(at, ['pause', 'default']);

  const burst = await fsq(at, ['worker', '--burst', '-c', '1']);

  assert.equal(burst.code, 0);
  assert.deepEqual(linesOf(at), ['note other']);
  await fsq(at, ['resume', 'default']);
  await fsq(at, ['worker', '--burst', '-c', '1']);
  assert.deepEqual(linesOf(at), ['note other', 'note held']);
});

for (const how of ['revoke', 'pause'] as const) {
  test(`a burst that a limit keeps waiting ends when its last job is gone by ${how}`, async (t) => {
    const at = project(t, { 'fsq.config.json': '{ "queues": { "web": { "rateLimit": "1/d" } } }' });
    const { send } = sender(t, at);
    // The limit is of a day as UTC has it: with the next one, the second job may start.
    await until(() => Date.now() % DAY_MS < DAY_MS - 30_000, 'a day begins, if this one is about to end');
    await send('note', ['first'], { queue: 'web' });
    const held = await send('note', ['held'], { queue: 'web' });
    const worker = await startWorker(t, at, ['--burst', '-c', '1']);
    await until(() => linesOf(at).includes('note first'), 'the first job has run');
    await new Promise((resolve) => setTimeout(resolve, 300));

    await fsq(at, how === 'revoke' ? ['revoke', held.id] : ['pause', 'web']);
    const ended = await within(worker.ended, 'the end of the burst');

    assert.equal(ended.code, 0);
    assert.deepEqual(linesOf(at), ['note first']);
  });
}

test('limits of queues and tasks hold over all workers', async (t) => {
  const config = { 'fsq.config.json': '{ "queues": { "web": { "concurrency": 2 } } }' };
  const at = project(t, config);
  const { send } = sender(t, at);
  const workers = [await startWorker(t, at, ['-c', '3']), await startWorker(t, at, ['-c', '3'])];
  const jobs = await Promise.all([
    ...Array.from({ length: 12 }, () => send('crawl', [], { queue: 'web' })),
    ...Array.from({ length: 6 }, () => send('alone', [])),
  ]);

  await Promise.all(jobs.map((job) => job.get('30s')));
  for (const worker of workers) await worker.stop();

  assert.deepEqual(mostAtOnce(linesOf(at)), { crawl: 2, alone: 1 });
  assertAtRest(at.spool, { results: 18 });
});

test('a rate limit holds over all workers', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const workers = [await startWorker(t, at, ['-c', '2']), await startWorker(t, at, ['-c', '2'])];
  const sentAtMs = Date.now();
  const jobs = await Promise.all(Array.from({ length: 12 }, () => send('slow', [])));

  await Promise.all(jobs.map((job) => job.get('30s')));
  for (const worker of workers) await worker.stop();

  const afterMs = linesOf(at)
    .map((line) => Number(line.split(' ')[1]) - sentAtMs)
    .toSorted((one, other) => one - other);
  // A tenth of a second each: the first may be late in its own, and a start is noted after it was allowed, on a busy machine much later.
  for (const [i, ms] of afterMs.entries()) assert.ok(ms >= 100 * (i - 1) - 10, afterMs.join(' '));
  assert.equal(afterMs.length, 12);
});

test('queues are taken in turns', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  for (let i = 0; i < 8; i++) await send('note', [`a${i}`], { queue: 'a', priority: 0 });
  for (let i = 0; i < 4; i++) await send('note', [`b${i}`], { queue: 'b', priority: 9 });

  const ran = await fsq(at, ['worker', '--burst', '-c', '1', '-Q', 'a=2,b']);

  assert.equal(ran.code, 0);
  const order = linesOf(at).map((line) => line.slice('note '.length));
  assert.equal(order.map((name) => name[0]).join(''), 'abaabaabaaba');
});

test('what is next is decided when a job begins: not by what came while the one before it ran', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '-Q', 'a,b', '--in-order']);
  const first = await send('held', [], { queue: 'a' });
  await until(() => linesOf(at).includes('held'), 'the first job runs');
  const jobs = [];
  for (const [name, priority] of [
    ['b9', 9],
    ['b0', 0],
    ['a9', 9],
    ['a0', 0],
  ] as const) {
    jobs.push(await send('note', [name], { queue: name.slice(0, 1), priority }));
    await sleep(50);
  }

  writeFileSync(join(at.path, 'go'), '');
  await Promise.all([first, ...jobs].map((job) => job.get('30s')));
  await worker.stop();

  assert.deepEqual(linesOf(at).slice(1), ['note a0', 'note a9', 'note b0', 'note b9']);
});

test('queues are taken in turns also by a child that its worker tells nothing', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  // Without a watch the child looks itself when it has waited for its worker, and not at each job that comes.
  const worker = await startWorker(t, at, ['-c', '1', '-Q', 'a=2,b'], { env: { FSQ_WATCH: '0' } });
  const first = await send('held', [], { queue: 'a' });
  await until(() => linesOf(at).includes('held'), 'the first job runs');
  process.kill(worker.pid, 'SIGSTOP');
  try {
    const jobs = [];
    for (const name of ['b0', 'b1', 'a0', 'a1', 'a2', 'a3'])
      jobs.push(await send('note', [name], { queue: name.slice(0, 1) }));
    writeFileSync(join(at.path, 'go'), '');
    await Promise.all([first, ...jobs].map((job) => job.get('30s')));
  } finally {
    process.kill(worker.pid, 'SIGCONT');
  }

  assert.deepEqual(linesOf(at).slice(1), ['note a0', 'note b0', 'note a1', 'note a2', 'note b1', 'note a3']);
});

for (const [what, files, args, message] of [
  [
    'a rate of zero',
    { 'fsq.config.json': '{ "queues": { "web": { "rateLimit": "0/s" } } }' },
    ['worker'],
    /queues\.web\.rateLimit.*from 1 and up.*fsq pause/,
  ],
  [
    'a limit of zero',
    { 'fsq.config.json': '{ "queues": { "web": { "concurrency": 0 } } }' },
    ['worker'],
    /queues\.web\.concurrency.*whole number from 1/,
  ],
  [
    'an unknown limit',
    { 'fsq.config.json': '{ "queues": { "web": { "rateLimits": "1/s" } } }' },
    ['worker'],
    /did you mean rateLimit\?/,
  ],
  [
    'a queue with no good name',
    { 'fsq.config.json': '{ "queues": { "Web!": {} } }' },
    ['worker'],
    /`queues` in .* to be queues with their limits/,
  ],
  [
    'a task with a rate of zero',
    { 'tasks.js': "import { task } from 'fsq'; task('t', { rateLimit: '0/m' }, () => 1);" },
    ['worker'],
    /`rateLimit`.*fsq pause/,
  ],
  ['a pause of no queue', {}, ['pause'], /QUEUE/],
  ['a call for a queue of all', {}, ['worker', '-Q', '*'], /got "\*"\. Without --queues jobs of all queues/],
  ['a pause of a bad name', {}, ['pause', '../x'], /Expected `queue`/],
  ['a weight of zero', {}, ['worker', '-Q', 'a=0'], /a weight from 1/],
] as const) {
  test(`${what} is refused with what was wanted`, async (t) => {
    const at = project(t, files);

    const ran = await fsq(at, args);

    assert.match(ran.stderr, message);
    assert.ok(ran.code === 2 || ran.code === 78, `${ran.code}`);
  });
}

test("the limits of one call are refused: they are the task's", async (t) => {
  const at = project(t);
  writeFileSync(
    join(at.path, 'main.js'),
    "import { note } from './tasks.js'; await note.applyAsync([1], { rateLimit: '1/s' }).catch((e) => console.log(e.code, e.message));",
  );
  const ran = await run(at, process.execPath, ['main.js']);

  assert.match(ran.stdout, /^FSQ_USAGE Expected `rateLimit` in the options of task\(\)/);
});

/** How many of each ran at one time at most. */
function mostAtOnce(lines: readonly string[]): Readonly<Record<string, number>> {
  const now: Record<string, number> = {};
  const most: Record<string, number> = {};
  for (const line of lines) {
    const [sign, name = ''] = line.split(' ');
    now[name] = (now[name] ?? 0) + (sign === '+' ? 1 : -1);
    most[name] = Math.max(most[name] ?? 0, now[name] ?? 0);
  }
  return most;
}
