/** `fsq explain`: each reason that is cheap to bring about, brought about. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ApplyOptions } from 'fsq';
import type { Sighting } from '../../src/broker/broker.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { nextId, returned, threw } from '../support/factory.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

interface Explained {
  readonly code: number | null;
  readonly codes: readonly string[];
  readonly first: { readonly text: string; readonly command: string | null };
}

async function explain(at: Project, id: string): Promise<Explained> {
  const { code, stdout, stderr } = await fsq(at, ['explain', id, '--json']);
  assert.equal(stderr, '');
  const { reasons } = JSON.parse(stdout) as { reasons: readonly (Explained['first'] & { readonly code: string })[] };
  const [first = { text: '', command: null }] = reasons;
  return { code, codes: reasons.map((reason) => reason.code), first };
}

/** Sends jobs by their file alone, as another program would: tasks need not be known, and ids may be chosen. */
async function seen(t: TestContext, at: Project, id: string, isSo: (job: Sighting) => boolean): Promise<void> {
  const broker = openSpool({ path: at.spool, fsync: false });
  t.after(() => broker.close());
  await until(async () => {
    const job = await broker.find(id);
    return job !== null && isSo(job);
  }, `job ${id} is as wanted`);
}

test('without a worker: what waits, what has ended, what lies wrong', async (t) => {
  const at = tempProject(t, {});
  const failed = await settledJob(at.spool, { task: 'import' }, threw('boom\u001b]52;c;aGk=\u0007'));
  const done = await settledJob(at.spool, {}, returned(1));
  const [a, b] = [nextId(), nextId()];
  const [ready = '', late = '', circle = '', , after = ''] = await pendingJobs(
    at.spool,
    {},
    { etaMs: Date.now() + 3_600_000, options: { key: 'k' } },
    { id: a, options: { after: b } },
    { id: b, options: { after: a } },
    { task: 'mail', options: { after: failed } },
  );
  plantDeadOwner(at.spool, someOwner(), { [`5-${nextId()}.default.1.0.json`]: '{' });
  await fsq(at, ['pause', 'default']);

  const all = await Promise.all([ready, late, circle, after, failed, done].map((id) => explain(at, id)));
  const text = await fsq(at, ['explain', failed, '--spool', at.spool]);
  const gone = await fsq(at, ['explain', '00000000-0000-7000-8000-000000000000']);

  assert.deepEqual(
    all.map(({ code, codes }) => [code, ...codes]),
    [
      [0, 'no-worker', 'paused'],
      [0, 'not-before', 'no-worker', 'paused'],
      [0, 'circle'],
      [0, 'predecessor-failed', 'no-worker', 'paused'],
      [0, 'failed'],
      [0, 'succeeded'],
    ],
  );
  assert.deepEqual(
    all.map(({ first }) => first.command),
    ['fsq worker', null, `fsq revoke ${a}`, `fsq explain ${failed}`, `fsq retry ${failed}`, `fsq get ${done}`],
  );
  assert.match(text.stdout, new RegExp(`^job ${failed} \\(import\\): failed, queue default\nIt failed for good`));
  assert.match(text.stdout, /Error: boom\\u\{1b\}\]52;c;aGk=\\u\{7\}\. `fsq retry \S+ --spool /);
  assert.deepEqual([gone.code, gone.stderr], [3, '']);
  assert.match(gone.stdout, /^There is no job 0{8}-.* its outcome is forgotten, which is kept for 1 d \(`resultTtl`\)/);
});

const TASKS = `
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const opened = async () => { writeFileSync(currentJob().id, ''); while (!existsSync('open')) await sleep(20); };
task('holds', { concurrency: { per: (key) => key, at: 1 }, timeLimit: '1h' }, opened);
task('fails', { backoff: { initial: '1h', jitter: false } }, () => { throw new TypeError('not now'); });
task('one', { concurrency: 1 }, opened);
task('add', (a, b) => a + b);
const inner = task('inner', { queue: 'nowhere' }, opened);
task('outer', async () => (await inner.delay()).get());
`;

test('beside a worker: limits, hands full, retries, parked jobs, and those that run', async (t) => {
  const at = tempProject(t, {
    'tasks.js': TASKS,
    'fsq.config.js': `export default { fsync: false, queues: { narrow: { concurrency: 1 } } };`,
  });
  await startWorker(t, at, ['-c', '4', '-Q', 'default,narrow']);
  const { send } = sender(t, at);
  const call = async (task: string, args: readonly unknown[], options: ApplyOptions = {}): Promise<string> =>
    (await send(task, args, options)).id;
  // One that lies in running/ may be put back: two that are claimed at the same time see each other, and both go back for a limit of one.
  const begun = (id: string): Promise<boolean> => until(() => existsSync(join(at.path, id)), `job ${id} has begun`);

  const outer = await call('outer', []);
  await seen(t, at, outer, ({ awaits }) => awaits !== undefined);
  const waiting = await explain(at, outer);
  await fsq(at, ['revoke', outer, '--terminate']);
  await seen(t, at, outer, ({ state }) => state === 'revoked');
  const [fails, parked] = [await call('fails', [], { retries: 3 }), await call('ad', [1, 2])];
  for (const id of [fails, parked]) await seen(t, at, id, ({ state }) => state === 'delayed');
  const held = await call('holds', ['a'], { limitKey: 'a', timeLimit: '1h' });
  await begun(held);
  const key = await call('holds', ['a'], { limitKey: 'a' });
  const narrow = await call('one', [], { queue: 'narrow' });
  await begun(narrow);
  const [narrowToo, oneToo] = [await call('add', [1, 1], { queue: 'narrow' }), await call('one', [])];
  const busyWith = [await call('holds', ['b'], { limitKey: 'b' }), await call('holds', ['c'], { limitKey: 'c' })];
  for (const id of busyWith) await begun(id);
  const [busy, elsewhere] = [await call('add', [1, 2]), await call('add', [1, 2], { queue: 'other' })];
  await fsq(at, ['revoke', ...busyWith]);

  const ids = [fails, parked, held, key, narrowToo, oneToo, busy, elsewhere, busyWith[0] ?? ''];
  const all = await Promise.all(ids.map((id) => explain(at, id)));
  writeFileSync(join(at.path, 'open'), '');

  assert.deepEqual(waiting.codes, ['awaits', 'runs']);
  assert.deepEqual(
    all.map(({ codes }) => codes[0]),
    ['retry', 'parked', 'runs', 'key-limit', 'queue-limit', 'task-limit', 'busy', 'unserved', 'revoke-requested'],
  );
  assert.match(all[0]?.first.text ?? '', /^It waits for retry 1 of 3 at .*, after TypeError: not now\.$/);
  assert.match(all[1]?.first.text ?? '', /task ad; did you mean add\?/);
  assert.deepEqual(all[2]?.codes, ['runs', 'time-limit']);
  assert.match(all[3]?.first.text ?? '', /with limit key a is reached: 1 of 1 run\./);
  await seen(t, at, busy, ({ state }) => state === 'succeeded');
});

test('bad input ends it as it ends every command that takes an id', async (t) => {
  const at = tempProject(t, {});
  await pendingJobs(at.spool, {}, {});

  const codes: (number | null)[] = [];
  for (const args of [[], ['x'], ['0'], ['ffff'], ['0', '1'], ['0', '--jsno'], ['0', '--json=1']])
    codes.push((await fsq(at, ['explain', ...args])).code);
  rmSync(at.spool, { recursive: true });
  const none = await fsq(at, ['explain', nextId()]);

  assert.deepEqual(codes, [2, 2, 2, 3, 2, 2, 2]);
  assert.equal(none.code, 75);
});
