/** Jobs that run too long: told to end at the soft limit, killed with all they started at the hard one, whatever they do. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TimeLimitError } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender, type SenderHandle } from '../support/sender.ts';

const TASKS = `
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const say = (line) => appendFileSync('journal.txt', line + '\\n');
const breed = () => { const { pid } = spawn('sleep', ['600'], { stdio: 'ignore' }); say('pids ' + process.pid + ' ' + pid); return pid; };
const never = () => new Promise(() => setInterval(() => undefined, 1_000));
task('breeds', () => [process.pid, breed()]);
task('spins', () => { breed(); for (;;); });
task('awaits', async () => { breed(); await never(); });
task('defined', { timeLimit: '300ms' }, async () => { await wait(600_000); });
task('second', { retries: 1, backoff: 0 }, async (killsWorker) => {
  if (currentJob().attempt > 1) return 'attempt ' + currentJob().attempt;
  if (killsWorker) process.kill(process.ppid, 'SIGKILL');
  for (;;);
});
task('lone', () => { if (currentJob().attempt > 1) return 'again'; for (;;); });
task('freezes', () => { if (currentJob().attempt > 1) return 'again'; process.kill(process.ppid, 'SIGSTOP'); for (;;); });
task('stops', async () => { process.kill(process.pid, 'SIGSTOP'); await never(); });
task('obeys', async () => {
  const { signal, deadline } = currentJob();
  try { await wait(600_000, null, { signal }); } catch { return [signal.reason.name, signal.reason.code, signal.reason.message, deadline]; }
});
task('throws', async () => {
  const { signal } = currentJob();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  signal.throwIfAborted();
});
task('ignores', async () => { await new Promise((resolve) => currentJob().signal.addEventListener('abort', resolve)); breed(); await wait(600_000); });
task('quick', (value) => value);
task('many', (value) => value);
task('naps', async (ms) => { await wait(ms); });
`;

interface Pids {
  readonly child: number;
  readonly grandchild: number;
}

/** What its jobs started is gone after the test, also when it fails. */
function project(t: TestContext): Project {
  const at = tempProject(t, { 'tasks.js': TASKS });
  t.after(() => {
    for (const pid of startedBy(at)) if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return at;
}

/** The one child of the worker, and a process that it has started in a job without a limit. */
async function bred(send: SenderHandle['send']): Promise<Pids> {
  const [child, grandchild] = (await (await send('breeds', [])).get('20s')) as [number, number];
  return { child, grandchild };
}

/** All that runs have started and told: one that stood still may have been killed before. */
function startedBy(at: Project): readonly number[] {
  const path = join(at.path, 'journal.txt');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return [...text.matchAll(/^pids \d+ (\d+)$/gm)].map(([, pid]) => Number(pid));
}

async function allIsGone(at: Project, child: number): Promise<void> {
  assert.ok(!isProcessAlive(child));
  await until(() => !startedBy(at).some(isProcessAlive), 'what was started has gone');
}

for (const name of ['spins', 'awaits']) {
  test(`a job that ${name} for ever is killed at its limit with what it started, and its outcome tells the times`, async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);

    const { child } = await bred(send);
    const result = await send(name, [], { timeLimit: '400ms' });
    await assert.rejects(result.get('20s'), (error) => {
      assert.ok(error instanceof TimeLimitError);
      assert.equal(error.code, 'FSQ_TIME_LIMIT');
      assert.match(
        error.message,
        new RegExp(`^Job ${result.id} \\(${name}\\) ran longer than its timeLimit of 400 ms; `),
      );
      return true;
    });
    const [attempt, ...more] = (await result.info())?.record?.attempts ?? [];
    const next = await (await send('quick', ['next'])).get('20s');

    assert.equal(next, 'next', 'the worker goes on');
    assert.deepEqual(more, []);
    const { startedAtMs = Number.NaN, endedAtMs = Number.NaN, error } = attempt ?? {};
    assert.equal(error?.name, 'TimeLimitError');
    const ranMs = endedAtMs - startedAtMs;
    t.diagnostic(`killed and recorded ${ranMs} ms after its start, with a limit of 400 ms`);
    assert.ok(ranMs >= 395 && ranMs < 5_000, `it ran for ${ranMs} ms`);
    await allIsGone(at, child);
    const { stderr } = await worker.stop();
    assert.match(
      stderr,
      new RegExp(`${name} ${result.id} has run for its timeLimit of 400 ms: child ${child} is killed`),
    );
    assert.doesNotMatch(stderr, /lost its process/);
    assertAtRest(at.spool, { results: 3 });
  });
}

test("a limit may be the task's own, or the worker's for jobs that have none; the nearer source counts", async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2', '--time-limit', '500ms']);

  // This process knows nothing of the limit that the task has where it is defined.
  const [defined, general, longer] = [
    await send('defined', []),
    await send('awaits', []),
    await send('awaits', [], { timeLimit: '900ms' }),
  ];
  const texts = await Promise.all(
    [defined, general, longer].map((result) => result.get('20s').then(String, (error: Error) => error.message)),
  );
  await worker.stop();

  assert.deepEqual(
    texts.map((text) => /timeLimit of (\d+ ms)/.exec(text)?.[1] ?? text),
    ['300 ms', '500 ms', '900 ms'],
  );
});

test('a job with retries runs again after its time limit, and no crash is counted', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  // The retry is said where the task is defined, which the process that kills the job has never read.
  const { child } = await bred(send);
  const result = await send('second', [false], { timeLimit: '1s' });
  const value = await result.get('20s');
  const info = await result.info();
  await worker.stop();

  assert.equal(value, 'attempt 2');
  assert.equal(info?.standing.crashes, 0);
  assert.deepEqual(
    info?.record?.attempts.map(({ attempt, error }) => [attempt, error?.code]),
    [
      [1, 'FSQ_TIME_LIMIT'],
      [2, undefined],
    ],
  );
  await allIsGone(at, child);
});

test('at the soft limit the signal aborts with a reason, which the task may heed, throw or ignore', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '3']);
  const soft = { softTimeLimit: '200ms' } as const;

  const sentAtMs = Date.now();
  const obeys = await send('obeys', [], { ...soft, timeLimit: '1h' });
  const throws = await send('throws', [], soft);
  const ignores = await send('ignores', [], { ...soft, timeLimit: '600ms' });

  const [name, code, message, deadline] = (await obeys.get('20s')) as [string, string, string, number];
  assert.deepEqual([name, code], ['TimeLimitError', 'FSQ_TIME_LIMIT']);
  assert.equal(message, `Job ${obeys.id} (obeys) has run for its softTimeLimit of 200 ms: it should end.`);
  assert.ok(deadline >= sentAtMs + 3_600_000 && deadline < sentAtMs + 3_660_000);
  await assert.rejects(throws.get('20s'), { name: 'TimeLimitError', message: /softTimeLimit of 200 ms/ });
  await assert.rejects(ignores.get('20s'), { name: 'TimeLimitError', message: /its timeLimit of 600 ms/ });
  await until(() => !startedBy(at).some(isProcessAlive), 'what it started after the soft limit has gone too');
  await worker.stop();
});

test('a child that is stopped is killed at the limit of its job', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const { child } = await bred(send);

  const result = await send('stops', [], { timeLimit: '400ms' });

  await assert.rejects(result.get('20s'), TimeLimitError);
  await allIsGone(at, child);
  await worker.stop();
});

test('a limit holds when the worker is dead, also in an endless loop; the job then counts as crashed', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const { child } = await bred(send);

  const result = await send('second', [true], { timeLimit: '400ms' });

  await until(() => !isProcessAlive(child), 'the child has killed itself');
  await allIsGone(at, child);
  assert.ok(!isProcessAlive(worker.pid));
  await fsq(at, ['worker', '-c', '1', '--burst']);
  assert.equal(await result.get('20s'), 'attempt 2');
  assert.equal((await result.info())?.standing.crashes, 1);
});

for (const when of ['meanwhile', 'before the run begins'] as const) {
  test(`a worker that is stopped ${when} finds its child killed by itself, and says why the job failed`, async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    const { child } = await bred(send);

    if (when !== 'meanwhile') worker.kill('SIGSTOP');
    const result = await send(when === 'meanwhile' ? 'freezes' : 'lone', [], { timeLimit: '400ms' });
    await until(() => !isProcessAlive(child), 'the child has killed itself');
    worker.kill('SIGCONT');

    await assert.rejects(result.get('20s'), TimeLimitError);
    assert.equal((await result.info())?.standing.crashes, 0);
    await worker.stop();
  });
}

test('a job that ends in time is left alone, and so is the one after it', async (t) => {
  const at = project(t);
  const { app } = sender(t, at);
  const many = app.task('many', (value: number) => value);
  const worker = await startWorker(t, at, ['-c', '1', '--time-limit', '20s', '--soft-time-limit', '10s']);

  const results = await many.delayMany(Array.from({ length: 300 }, (_, i) => [i] as [number]));
  const values = await results.get('30s');
  const { stderr } = await worker.stop();

  assert.deepEqual(
    values,
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.doesNotMatch(stderr, /timeLimit|a new one starts/);
});

test('runs that end just when their limit comes cost the job after them nothing', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const naps = [];
  const others = [];
  for (let i = 0; i < 24; i++) {
    // Around the limit and the moment in which the supervisor listens.
    naps.push(await send('naps', [60 + (i % 12)], { timeLimit: '60ms' }));
    others.push(await send('naps', [5], { onCrash: 'fail' }));
  }

  await startWorker(t, at, ['-c', '1']);
  const ends = await Promise.allSettled(naps.map((result) => result.get('60s')));
  await Promise.all(others.map((result) => result.get('60s')));

  const infos = await Promise.all(others.map((result) => result.info()));
  assert.deepEqual(new Set(infos.map((info) => info?.standing.attempt)), new Set([1]));
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  assert.ok(
    reasons.every((reason) => reason instanceof TimeLimitError),
    reasons.join('\n'),
  );
  t.diagnostic(`${reasons.length} of ${ends.length} were killed`);
});
