import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../../src/app/registry.ts';
import type { Claim, Consumer } from '../../../../src/broker/worker-side.ts';
import { FencedError, RevokedError } from '../../../../src/job/errors.ts';
import { createLogger } from '../../../../src/worker/log.ts';
import { Retirement } from '../../../../src/worker/child/retirement.ts';
import { Revoked, runJobs } from '../../../../src/worker/child/runner.ts';
import { Settling, Slots } from '../../../../src/worker/child/slots.ts';
import { until } from '../../../support/conditions.ts';
import { forSeeds } from '../../../support/random.ts';
import { job, NOTHING_BESIDE } from '../../../support/factory.ts';
import { Run, RunningJob } from '../../../../src/app/current-job.ts';

const LOG = createLogger('error', 'text', () => undefined);

/** A task that notes its runs. */
function noting(t: TestContext): number[] {
  const ran: number[] = [];
  const fn = (value: unknown): void => void ran.push(Number(value));
  registry().tasks.set('note', { name: 'note', fn, definedAt: 'here:1' });
  t.after(() => registry().tasks.delete('note'));
  return ran;
}

/** A consumer of claims that are settled as told, and then of none. */
function consumerOf(settles: readonly Claim['settle'][], crashes: readonly number[] = []): Consumer {
  const claims = settles.map((settle, i): Claim => {
    const { job: record, queue, priority } = job({ task: 'note', args: [i] });
    return {
      job: record,
      standing: { queue, priority, attempt: 1, crashes: crashes[i] ?? 0 },
      attempts: [],
      ...NOTHING_BESIDE,
      settle,
    };
  });
  return {
    owner: 'somebody',
    next: (signal) =>
      claims.shift() ??
      new Promise((resolve) => {
        if (signal.aborted) resolve(null);
        signal.addEventListener('abort', () => resolve(null));
      }),
    close: async () => undefined,
  };
}

const run = (consumer: Consumer, drain: AbortSignal, slots = new Slots(1)): Promise<void> =>
  runJobs({
    consumer,
    log: LOG,
    texts: { stacks: true, redact: null },
    drain,
    stop: new AbortController().signal,
    timeLimits: { timeLimitMs: null, softTimeLimitMs: null },
    limitKeepers: { begun: () => undefined, ended: () => undefined },
    retirement: null,
    onRetire: () => undefined,
    onFailed: () => undefined,
    revoked: new Revoked(),
    slots,
    prints: null,
  });

test('a job that says nothing has the options of its task, also for an outcome that went well', async (t) => {
  noting(t);
  registry().tasks.set('note', { name: 'note', fn: () => 1, definedAt: 'here:1', options: { ignoreResult: true } });
  const drain = new AbortController();
  const settled: unknown[] = [];
  const settle = async (settlement: unknown): Promise<void> => {
    settled.push(settlement);
    drain.abort();
  };

  await run(consumerOf([settle]), drain.signal);

  const outcome = { state: 'succeeded', value: undefined };
  assert.deepEqual(settled, [{ kind: 'publish', outcome, ttlMs: 60_000 }]);
});

test('the next job runs while the outcome of the one before is on its way to the disk', async (t) => {
  const ran = noting(t);
  const drain = new AbortController();
  let arrive: () => void = () => undefined;
  const slow = (): Promise<void> => new Promise((resolve) => (arrive = resolve));
  const working = run(consumerOf([slow, async () => undefined]), drain.signal);

  await until(() => ran.length === 2, 'both jobs ran');

  arrive();
  drain.abort();
  await working;
});

test('as many jobs run at once as there are slots, and never more', async (t) => {
  await forSeeds(20, async (random) => {
    const size = 1 + random.below(8);
    const counts: number[] = [];
    let running = 0;
    const drain = new AbortController();
    const fn = async (value: unknown): Promise<void> => {
      counts.push(++running);
      for (let turns = random.below(6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (value === 39) drain.abort();
    };
    registry().tasks.set('note', { name: 'note', fn, definedAt: 'here:1' });
    const settles = Array.from({ length: 40 }, () => (random.below(2) === 0 ? () => undefined : async () => undefined));

    await run(consumerOf(settles), drain.signal, new Slots(size));

    assert.deepEqual([counts.length, running, Math.max(...counts) <= size], [40, 0, true]);
    if (size > 1) assert.ok(Math.max(...counts) > 1);
  });
  t.after(() => registry().tasks.delete('note'));
});

test('a suspect runs alone: nothing is claimed beside it, and nothing before its outcome has arrived', async (t) => {
  const ran = noting(t);
  const drain = new AbortController();
  let arrive: () => void = () => undefined;
  const slow = (): Promise<void> => new Promise((resolve) => (arrive = resolve));
  const working = run(consumerOf([slow, async () => undefined], [2, 0]), drain.signal, new Slots(8));
  await until(() => ran.length === 1, 'the suspect ran');

  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  const before = ran.length;
  arrive();
  await until(() => ran.length === 2, 'the other ran');
  drain.abort();
  await working;

  assert.equal(before, 1);
});

test('a drain waits for the outcomes that are on their way', async (t) => {
  const ran = noting(t);
  const drain = new AbortController();
  let arrive: () => void = () => undefined;
  let hasEnded = false;
  const slow = (): Promise<void> => new Promise((resolve) => (arrive = resolve));
  const working = run(consumerOf([slow]), drain.signal).then(() => (hasEnded = true));
  await until(() => ran.length === 1, 'the job ran');

  drain.abort();
  for (let i = 0; i < 100; i++) await Promise.resolve();
  const before = hasEnded;
  arrive();
  await working;

  assert.equal(before, false);
});

test('in a drain the job for which a run waits is taken, and no other', async (t) => {
  const drain = new AbortController();
  const ran: number[] = [];
  let hasRun = (): void => undefined;
  const other = new Promise<void>((resolve) => (hasRun = resolve));
  const fn = async (value: unknown): Promise<void> => {
    ran.push(Number(value));
    const current = registry().current.getStore();
    if (value !== 0 || current === undefined) return hasRun();
    drain.abort();
    const goOn = RunningJob.beginWait(current, 'other');
    await other;
    goOn();
  };
  registry().tasks.set('note', { name: 'note', fn, definedAt: 'here:1' });
  t.after(() => registry().tasks.delete('note'));
  const done = async (): Promise<void> => undefined;
  const consumer = consumerOf([done, done]);
  const awaited = consumerOf([done, done, done]);
  await awaited.next(new AbortController().signal);
  await awaited.next(new AbortController().signal);
  const asked: unknown[] = [];
  const take = async (id: string, queue: string | null): Promise<Claim | null> => {
    asked.push([id, queue]);
    // Not before the child takes no other job.
    return queue === null ? awaited.next(new AbortController().signal) : null;
  };

  const next: Consumer['next'] = (signal) => (signal.aborted ? null : consumer.next(signal));
  await run({ ...consumer, next, take }, drain.signal);

  assert.deepEqual(ran, [0, 2]);
  assert.deepEqual(asked, [
    ['other', 'default'],
    ['other', null],
  ]);
});

test('a claim that was taken away ends the work, also while it waits for jobs', async (t) => {
  noting(t);
  const fenced = async (): Promise<void> => {
    throw new FencedError('somebody');
  };

  await assert.rejects(run(consumerOf([fenced]), new AbortController().signal), FencedError);
});

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

function deferred(): Deferred {
  let end: { resolve: () => void; reject: (error: Error) => void } | null = null;
  const promise = new Promise<void>((resolve, reject) => (end = { resolve, reject }));
  return { promise, resolve: () => end?.resolve(), reject: (error) => end?.reject(error) };
}

test('jobs go on while the outcomes of 255 are on their way; then one has to arrive first', async () => {
  const settling = new Settling();
  const all = Array.from({ length: 256 }, deferred);
  for (const { promise } of all.slice(1)) settling.add(promise);
  assert.equal(settling.isFull, false);
  assert.equal(settling.failed.aborted, false);

  settling.add(all[0]?.promise ?? Promise.resolve());
  assert.equal(settling.isFull, true);
  let hasRoom = false;
  const waiting = settling.room().then(() => (hasRoom = true));
  for (let i = 0; i < 100; i++) await Promise.resolve();
  const before = hasRoom;

  all[7]?.resolve();
  await waiting;

  assert.equal(before, false);
  assert.equal(settling.isFull, false);
});

test('the end waits for all', async () => {
  const settling = new Settling();
  const last = deferred();
  settling.add(last.promise);
  let hasEnded = false;
  const ending = settling.end().then(() => (hasEnded = true));
  for (let i = 0; i < 100; i++) await Promise.resolve();
  const before = hasEnded;

  last.resolve();
  await ending;

  assert.equal(before, false);
});

test('an outcome that does not arrive stops the taking of jobs at once, and is what the end throws', async () => {
  const settling = new Settling();
  const fenced = new Error('fenced');
  const [lost, other] = [deferred(), deferred()];
  settling.add(lost.promise);
  settling.add(other.promise);

  lost.reject(fenced);
  await new Promise((resolve) => settling.failed.addEventListener('abort', resolve));
  other.reject(new Error('a later one'));

  await assert.rejects(settling.end(), fenced);
});

const never = (): AbortSignal => new AbortController().signal;

test('a run that is revoked aborts with the reason, and is known as revoked when it ends', () => {
  const revoked = new Revoked();
  const run = new Run(never());
  const { signal } = run;
  revoked.begin('a', run);

  revoked.hear(new Set(['b', 'a']));

  assert(signal.reason instanceof RevokedError);
  assert.equal(revoked.end('a'), true);
});

test('another job is left alone', () => {
  const revoked = new Revoked();
  const run = new Run(never());
  revoked.begin('a', run);

  revoked.hear(new Set(['b']));

  assert.equal(run.signal.aborted, false);
  assert.equal(revoked.end('a'), false);
  revoked.hear(new Set(['a']));
  assert.equal(run.signal.aborted, false);
});

test('a job of which it was heard before it began, and a signal that is asked for late, are aborted', () => {
  const revoked = new Revoked();
  revoked.hear(new Set(['a']));
  const run = new Run(never());

  revoked.begin('a', run);

  assert.equal(run.signal.aborted, true);
});

test('the signal is one object, aborts with the stop of the process, and keeps the first reason', () => {
  const stop = new AbortController();
  const run = new Run(stop.signal);
  const first = run.signal;

  run.abort('first');
  run.abort('second');
  stop.abort('third');

  assert.equal(run.signal, first);
  assert.equal(first.reason, 'first');
});

const MB = 1024 ** 2;

test('a child retires with the last job it may run, and not before', () => {
  const retirement = new Retirement({ maxTasks: 3, maxMemoryBytes: null });

  assert.deepEqual(
    [retirement.reason(), retirement.reason(), retirement.reason()],
    [null, null, 'it has run 3 jobs (maxTasksPerChild)'],
  );
});

test('a child retires after the job that leaves it with more memory than it may have', () => {
  const bytes = [200 * MB, 200 * MB + 1];
  const retirement = new Retirement({ maxTasks: null, maxMemoryBytes: 200 * MB }, () => bytes.shift() ?? 0);

  assert.equal(retirement.reason(), null);
  assert.equal(retirement.reason(), 'it uses 201 MB of memory, more than 200 MB (maxMemoryPerChild)');
});

test('memory is not asked for where any will do', () => {
  const retirement = new Retirement({ maxTasks: 9, maxMemoryBytes: null }, () => assert.fail('it was asked for'));

  assert.equal(retirement.reason(), null);
});
