/** Watches are hints: without them, or with some lost, every job runs and every get() returns, only later. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { type Files, nodeFiles } from '../../src/spool/disk/files.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { within } from '../support/conditions.ts';
import { job, returned, RUN } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { lacks } from '../support/needs.ts';
import { run, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { tempSpool } from '../support/temp.ts';

const TASKS = `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);`;
/** The slowest poll comes each second; the rest is room for a busy machine. */
const SLOW_MS = 8_000;

/** A worker's part and a producer's in one process, on the same spool. */
async function bothSides(t: TestContext, files: Files): Promise<{ readonly path: string; readonly broker: Broker }> {
  const { path, broker } = tempSpool(t, { files, fsync: false });
  const keeper = await broker.keeper({ queues: null });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const drain = new AbortController();
  const working = (async () => {
    for (let claim = await consumer.next(drain.signal); claim !== null; claim = await consumer.next(drain.signal))
      await claim.settle(returned(claim.job.args[0]), RUN);
  })();
  t.after(async () => {
    drain.abort();
    await working;
    await consumer.close();
    await keeper.close();
  });
  return { path, broker };
}

/** Sends a job and waits for its outcome as a user would. */
async function roundTrip(broker: Broker): Promise<void> {
  const sent = job({ args: ['value'] });
  const never = new AbortController().signal;
  await broker.enqueue([sent]);
  const record = await within(broker.waitForOutcome(sent.job.id, never, true), 'the outcome', SLOW_MS);
  assert.deepEqual(record?.outcome, { state: 'succeeded', value: 'value' });
}

describe('a watch that does not do its work', () => {
  const broken: Readonly<Record<string, Files['watch']>> = {
    'cannot be had': () => {
      throw Object.assign(new Error('EMFILE: too many open files, watch'), { code: 'EMFILE' });
    },
    'never fires': () => ({ close: () => undefined }),
    'tells no names': (path, onEvent, onError) => nodeFiles.watch(path, () => onEvent(null), onError),
    'fires once in a while for what is not there': (path, onEvent, onError) =>
      nodeFiles.watch(path, () => onEvent('5.0199f3c2-8d1e-7b3a-9c4d-000000000000.default.0.0.json'), onError),
    'dies at its first event': (path, _onEvent, onError) =>
      nodeFiles.watch(path, () => onError(new Error('gone')), onError),
  };
  for (const [what, watch] of Object.entries(broken)) {
    test(`${what}: jobs run and their outcomes are heard of`, async (t) => {
      const { broker } = await bothSides(t, { ...nodeFiles, watch });

      for (let i = 0; i < 3; i++) await roundTrip(broker);
    });
  }
});

for (const directory of ['pending', 'delayed', 'results'] as const) {
  test(`${directory}/ is replaced by another directory: jobs run and their outcomes are heard of`, async (t) => {
    const { path, broker } = await bothSides(t, nodeFiles);
    await roundTrip(broker);

    renameSync(join(path, directory), join(path, 'old'));
    mkdirSync(join(path, directory), { mode: 0o700 });

    await roundTrip(broker);
    const delayed = job({ args: [1], etaMs: Date.now() + 50 });
    await broker.enqueue([delayed]);
    const never = new AbortController().signal;
    await within(broker.waitForOutcome(delayed.job.id, never, true), 'the delayed job', SLOW_MS);
  });
}

test('an outcome published before any step of a wait is heard of: no wake-up is lost', async (t) => {
  let steps = 0;
  for (let step = 1; step <= Math.max(1, steps); step++) {
    let calls = 0;
    let publish: (() => void) | null = null;
    const files = new Proxy(nodeFiles, {
      get: (target, key) => {
        const real = target[key as keyof Files] as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          calls++;
          if (publish !== null && calls === step) publish();
          return real(...args);
        };
      },
    });
    const { path, broker } = tempSpool(t, { fsync: false });
    const waiting = openSpool({ path, files, fsync: false });
    t.after(() => waiting.close());
    const sent = job();
    await broker.enqueue([sent]);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    const claim = await within(consumer.next(new AbortController().signal), 'the job');
    const draft = join(path, 'running', consumer.owner, namesIn(path, `running/${consumer.owner}`)[0] ?? '');
    await claim?.settle(returned(step), RUN);
    const result = join(path, 'results', `${sent.job.id}.json`);
    // Back to just before its publication, which then happens at the step wanted.
    renameSync(result, draft);
    publish = () => {
      publish = null;
      renameSync(draft, result);
    };
    calls = 0;

    const wait = waiting.waitForOutcome(sent.job.id, new AbortController().signal, true);
    const record = await within(wait, `the outcome published before step ${step}`, SLOW_MS);

    assert.deepEqual(record?.outcome, { state: 'succeeded', value: step });
    steps = step === 1 ? Math.max(calls, 8) : steps;
    await consumer.close();
  }
  assert(steps >= 5, `a wait has ${steps} steps`);
});

test(
  'the queue of events overflows in a stopped worker and in a busy producer: every job runs, every outcome is heard of',
  { skip: process.platform !== 'linux' && 'needs Linux' },
  async (t) => {
    const count = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) + 1_100;
    if (count > 40_000) return t.skip('needs a shorter queue of events');
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { app, send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '2'], { env: { FSQ_FSYNC: '0' } });
    await (await send('add', [1, 2])).get('10s');
    worker.kill('SIGSTOP');
    const broker = await app.broker();
    const jobs = Array.from({ length: count }, (_, i) => job({ task: 'add', args: [i, 1] }));
    await broker.enqueue(jobs);
    const { id } = jobs.at(-1)?.job ?? job().job;
    const last = broker.waitForOutcome(id, new AbortController().signal, true);

    worker.kill('SIGCONT');
    // Deaf while the outcomes come: nobody takes the events of this process's watch.
    const deadline = performance.now() + 60_000;
    while (readdirSync(join(at.spool, 'results')).length < count + 1 && performance.now() < deadline)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    const record = await within(last, 'the last outcome');

    assert.deepEqual(record?.outcome, { state: 'succeeded', value: count });
    assert.equal((await broker.counts()).results, count + 1);
  },
);

describe('whole processes without watches', () => {
  /** Starts a worker, sends jobs one after the other, prints how long each took, and ends the worker. */
  const MAIN = `
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { add } from './tasks.js';
const worker = spawn(process.execPath, ['node_modules/fsq/bin/fsq.js', 'worker', '-c', '1'], { stdio: ['ignore', 'inherit', 'pipe'] });
let log = '';
worker.stderr.setEncoding('utf8').on('data', (text) => { log += text; });
while (!log.includes('worker started')) await once(worker.stderr, 'data');
const tookMs = [];
for (let i = 0; i < 3; i++) {
  const startedAt = performance.now();
  const value = await (await add.delay(i, 1)).get('20s');
  if (value !== i + 1) throw new Error('got ' + value);
  tookMs.push(Math.round(performance.now() - startedAt));
}
worker.kill('SIGTERM');
const [code] = await once(worker, 'exit');
console.log(JSON.stringify({ code, tookMs }));
`;
  const node = [process.execPath, 'main.mjs'];
  const limited = (limit: string): readonly string[] => [
    'unshare',
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    `echo 0 > /proc/sys/user/${limit} && exec "$@"`,
    'sh',
    ...node,
  ];
  const ways = {
    'FSQ_WATCH=0': { command: node, env: { FSQ_WATCH: '0' }, skip: false },
    'no inotify instance is left': { command: limited('max_inotify_instances'), env: {}, skip: lacks('unshare') },
    'no inotify watch is left': { command: limited('max_inotify_watches'), env: {}, skip: lacks('unshare') },
  } as const;
  for (const [what, { command, env, skip }] of Object.entries(ways)) {
    test(`${what}: jobs run and get() returns, only slower`, { skip }, async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS, 'main.mjs': MAIN });
      const [program = '', ...args] = command;

      const { stdout, stderr } = await run(at, program, args, { env: { ...env, FSQ_LOG_FORMAT: 'json' } });

      assert.match(stdout, /^\{/, stderr);
      const { code, tookMs } = JSON.parse(stdout) as { code: number; tookMs: number[] };
      assert.equal(code, 0);
      assert(Math.max(...tookMs) < SLOW_MS, `took ${tookMs.join(', ')} ms`);
      t.diagnostic(`round trips of ${tookMs.join(', ')} ms`);
    });
  }
});
