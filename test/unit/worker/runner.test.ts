import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import type { Claim, Consumer } from '../../../src/broker/worker-side.ts';
import { FencedError } from '../../../src/job/errors.ts';
import { createLogger } from '../../../src/worker/log.ts';
import { Revoked } from '../../../src/worker/revoked.ts';
import { runJobs } from '../../../src/worker/runner.ts';
import { until } from '../../support/conditions.ts';
import { job } from '../../support/factory.ts';

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
function consumerOf(settles: readonly (() => Promise<void>)[]): Consumer {
  const claims = settles.map((settle, i): Claim => {
    const { job: record, queue, priority } = job({ task: 'note', args: [i] });
    return { job: record, standing: { queue, priority, attempt: 1, crashes: 0 }, attempts: [], settle };
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

const run = (consumer: Consumer, drain: AbortSignal): Promise<void> =>
  runJobs({
    consumer,
    log: LOG,
    texts: { stacks: true, redact: null },
    drain,
    stop: new AbortController().signal,
    limits: { timeLimitMs: null, softTimeLimitMs: null },
    limitKeepers: { begun: () => undefined, ended: () => undefined },
    retirement: null,
    onRetire: () => undefined,
    onFailed: () => undefined,
    revoked: new Revoked(),
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

test('a claim that was taken away ends the work, also while it waits for jobs', async (t) => {
  noting(t);
  const fenced = async (): Promise<void> => {
    throw new FencedError('somebody');
  };

  await assert.rejects(run(consumerOf([fenced]), new AbortController().signal), FencedError);
});
