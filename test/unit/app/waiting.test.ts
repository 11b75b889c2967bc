/** What who waits is told, and what many waits on one signal cost. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AsyncResult, type OutcomeSource } from '../../../src/app/async-result.ts';
import type { OwnerInfo } from '../../../src/broker/broker.ts';
import { TimeoutError } from '../../../src/job/errors.ts';
import { job, nextId } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

test('get() that times out where no worker lives says so, and where one lives does not', async (t) => {
  const { broker, path } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const result = new AsyncResult(sent.job.id, async () => broker, true);
  const message = async (): Promise<string> => {
    const error = await result.get(5).catch((reason: unknown) => reason);
    return error instanceof TimeoutError ? error.message : assert.fail(String(error));
  };

  const alone = await message();
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const accompanied = await message();
  await consumer.close();

  assert.ok(
    alone.includes(`No worker is running on ${path}: the job waits until \`fsq worker\` starts one; call get()`),
    alone,
  );
  assert.match(accompanied, /had no outcome after 5 ms. It goes on; call get\(\) again/);
});

test('a wait where no worker lives is told of once, after three seconds, and where none of its children is ready', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const warnings: string[] = [];
  let hearIt = (): void => undefined;
  const told = new Promise<void>((resolve) => (hearIt = resolve));
  const hear = (warning: Error): void => {
    if (!('code' in warning) || warning.code !== 'FSQ_NO_WORKER') return;
    warnings.push(warning.message);
    if (warnings.length === 2) hearIt();
  };
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const stop = new AbortController();
  const waits = [
    endless('/alone', 'dead'),
    endless('/alone', 'dead'),
    endless('/kept', 'alive'),
    endless('/unready', 'alive', 'supervisor'),
  ].map((source) => new AsyncResult(nextId(), async () => source, true).get({ signal: stop.signal }).catch(() => null));
  await new Promise((resolve) => setImmediate(resolve));

  t.mock.timers.tick(2_999);
  assert.deepEqual(warnings, []);
  t.mock.timers.tick(1);
  await told;
  stop.abort();
  await Promise.all(waits);

  assert.deepEqual(warnings, [
    'No worker is running on /alone: the job waits until `fsq worker` starts one.',
    'A worker (pid 1) runs but none of its children is ready: see its log.',
  ]);
});

test('many who wait ask together which workers live, when they time out and after three seconds', async (t) => {
  let asked = 0;
  const source: OutcomeSource = {
    ...endless('/together', 'alive'),
    owners: async () => {
      asked++;
      await new Promise((resolve) => setImmediate(resolve));
      return [];
    },
  };
  const handles = Array.from({ length: 50 }, () => new AsyncResult(nextId(), async () => source, true));

  const ends = await Promise.allSettled(handles.map((handle) => handle.get(5)));

  assert.ok(ends.every((end) => end.status === 'rejected' && /No worker is running/.test(String(end.reason))));
  assert.ok(asked < 10, `${asked} times`);

  t.mock.timers.enable({ apis: ['setTimeout'] });
  asked = 0;
  const stop = new AbortController();
  const waits = handles.map((handle) => handle.get({ signal: stop.signal }).catch(() => null));
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(3_000);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await Promise.all(waits);

  assert.equal(asked, 1);
});

test('many waits on one signal warn of no leak, and all end with it', async (t) => {
  const leaks: Error[] = [];
  const hear = (warning: Error): void => void (warning.name === 'MaxListenersExceededWarning' && leaks.push(warning));
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const stop = new AbortController();
  const source = endless('/many', 'alive');

  const waits = Array.from({ length: 50 }, () =>
    new AsyncResult(nextId(), async () => source, true).get({ signal: stop.signal }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new RangeError('enough'));
  const ends = await Promise.allSettled(waits);
  await new Promise((resolve) => setImmediate(resolve));

  assert.ok(ends.every((end) => end.status === 'rejected' && end.reason instanceof RangeError));
  assert.deepEqual(leaks, []);
});

/** Where no outcome comes before the wait is over. */
function endless(place: string, verdict: 'alive' | 'dead', role: OwnerInfo['role'] = 'consumer'): OutcomeSource {
  const owner = {
    owner: 'x',
    pid: 1,
    parent: null,
    role,
    startedAtMs: 0,
    queues: null,
    tasks: [],
  } as const;
  return {
    place,
    find: async () => null,
    outcome: async () => null,
    waitForOutcome: (_id, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
    revoke: async () => new Map(),
    owners: async () => [{ ...owner, verdict }],
  };
}
