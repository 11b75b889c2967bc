/**
 * What TypeScript accepts of the options of a job's life and of the settings of a worker. `npm run typecheck` is the test: each
 * @ts-expect-error must be one. What compiles is also accepted when it runs.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type ApplyOptions,
  type AsyncResult,
  type BackoffOptions,
  type ByteSize,
  type Config,
  createApp,
  type CurrentJob,
  currentJob,
  defineConfig,
  type Duration,
  type JsonValue,
  PermanentError,
  type TaskOptions,
} from '../../src/index.ts';
import { same } from '../support/same-type.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });
const add = task('life.types.add', (a: number, b: number) => a + b);
let made = 0;
const define = (options: TaskOptions): unknown => task(`life.types.${made++}`, options, () => null);
const call = (options: ApplyOptions): Promise<AsyncResult<number>> => add.applyAsync([1, 2], options);

class Flaky extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

const durations: readonly Duration[] = [250, '250ms', '1.5s', '3m', '2h', '1d'];

test('a task takes every option of the life of its jobs', () => {
  const accepted: readonly TaskOptions[] = [
    {},
    { retries: 0 },
    { retries: 1_000, backoff: '1s' },
    { backoff: 250 },
    { backoff: {} },
    { backoff: { initial: '1s', factor: 1.5, max: '1h', jitter: false } },
    { backoff: { initial: 100, max: 200 } },
    { retryOn: Flaky },
    { retryOn: [Flaky, TypeError] },
    { retryOn: (error) => error instanceof Flaky && error.status >= 500 },
    { expires: '1h' },
    { expires: new Date(Date.now() + 1_000) },
    { onCrash: 'rerun' },
    { onCrash: 'fail', retries: 3 },
    { softTimeLimit: '1s', timeLimit: '2s' },
    ...durations.map((resultTtl) => ({ resultTtl })),
    { resultTtl: {} },
    { resultTtl: { succeeded: '1d', failed: '7d', revoked: 0, expired: '1h' } },
    { ignoreResult: true },
    ...durations.map((timeLimit) => ({ timeLimit })),
    ...durations.map((softTimeLimit) => ({ softTimeLimit })),
  ];

  for (const options of accepted) define(options);
  same<NonNullable<TaskOptions['onCrash']>, 'rerun' | 'fail'>();
  same<NonNullable<TaskOptions['backoff']>, Duration | BackoffOptions>();
  same<NonNullable<TaskOptions['expires']>, Duration | Date>();
});

test('a task takes nothing else', () => {
  const refused = [
    // @ts-expect-error a number, not a text
    () => define({ retries: '3' }),
    // @ts-expect-error there is no endless number of them
    () => define({ retries: true }),
    // @ts-expect-error no unit
    () => define({ backoff: '1' }),
    // @ts-expect-error no such part
    () => define({ backoff: { initalMs: 1 } }),
    // @ts-expect-error no unit
    () => define({ backoff: { initial: '1' } }),
    // @ts-expect-error a number, not a text
    () => define({ backoff: { factor: '2' } }),
    // @ts-expect-error no unit
    () => define({ backoff: { max: 'long' } }),
    // @ts-expect-error true or false
    () => define({ backoff: { jitter: 'full' } }),
    // @ts-expect-error not the name of a class
    () => define({ retryOn: 'Flaky' }),
    // @ts-expect-error no class of errors
    () => define({ retryOn: [Date] }),
    // @ts-expect-error what it says must be true or false
    () => define({ retryOn: () => 'yes' }),
    // @ts-expect-error no unit
    () => define({ expires: '60' }),
    // @ts-expect-error a Date or a duration
    () => define({ expires: { at: 1 } }),
    // @ts-expect-error no such end
    () => define({ onCrash: 'retry' }),
    // @ts-expect-error not true or false
    () => define({ onCrash: false }),
    // @ts-expect-error no such unit
    () => define({ timeLimit: '1 minute' }),
    // @ts-expect-error none is said by leaving it out
    () => define({ timeLimit: null }),
    // @ts-expect-error no unit
    () => define({ softTimeLimit: '1' }),
    // @ts-expect-error no unit
    () => define({ resultTtl: '1' }),
    // @ts-expect-error no such state
    () => define({ resultTtl: { done: '1d' } }),
    // @ts-expect-error no unit
    () => define({ resultTtl: { failed: '1' } }),
    // @ts-expect-error not true or false
    () => define({ ignoreResult: 'yes' }),
    // @ts-expect-error when a job starts is said by the call
    () => define({ countdown: '1s' }),
    // @ts-expect-error when a job starts is said by the call
    () => define({ eta: new Date() }),
    // @ts-expect-error a setting of the worker
    () => define({ maxTasksPerChild: 1 }),
  ];

  assert.equal(refused.length, 25);
});

test('a call takes every option of the life of its job', async () => {
  const accepted: readonly ApplyOptions[] = [
    {},
    { retries: 2, backoff: { initial: '10ms' } },
    { onCrash: 'fail' },
    { onCrash: 'rerun', softTimeLimit: 1, timeLimit: '1m' },
    { eta: new Date() },
    { eta: Date.now() + 1_000 },
    { eta: new Date(), expires: '1h' },
    { countdown: 0, expires: new Date(Date.now() + 1_000) },
    ...durations.map((countdown) => ({ countdown })),
    ...durations.map((expires) => ({ expires })),
  ];

  for (const options of accepted) assert.equal(await (await call(options)).get(), 3);
  same<NonNullable<ApplyOptions['eta']>, Date | number>();
  same<NonNullable<ApplyOptions['countdown']>, Duration>();
});

test('a call takes nothing else', () => {
  const refused = [
    // @ts-expect-error no unit
    () => call({ countdown: '5' }),
    // @ts-expect-error a duration, not a time
    () => call({ countdown: new Date() }),
    // @ts-expect-error a time, not a duration
    () => call({ eta: '5s' }),
    // @ts-expect-error no such option
    () => call({ expire: '5s' }),
    // @ts-expect-error a number, not a text
    () => call({ retries: '1' }),
    // @ts-expect-error a function cannot be kept in a job's file
    () => call({ retryOn: Flaky }),
    // @ts-expect-error no such end
    () => call({ onCrash: 'ignore' }),
    // @ts-expect-error no unit
    () => call({ timeLimit: '5' }),
    // @ts-expect-error no such unit
    () => call({ softTimeLimit: '5 sec' }),
    // @ts-expect-error a setting of the worker
    () => call({ shutdownTimeout: '5s' }),
    // @ts-expect-error what a list of calls takes is the same
    () => add.delayMany([[1, 2]], { countdown: '5' }),
  ];

  assert.equal(refused.length, 11);
});

test('a configuration takes the limits of a worker', () => {
  const sizes: readonly ByteSize[] = [1_000_000, '512KB', '1.5GB', '200MB'];
  const accepted: readonly Config[] = [
    ...durations.map((timeLimit) => ({ timeLimit })),
    ...durations.map((softTimeLimit) => ({ softTimeLimit })),
    ...durations.map((shutdownTimeout) => ({ shutdownTimeout })),
    ...sizes.map((maxMemoryPerChild) => ({ maxMemoryPerChild })),
    { maxTasksPerChild: 100 },
  ];
  const refused = [
    // @ts-expect-error no unit
    () => defineConfig({ timeLimit: '5' }),
    // @ts-expect-error no such unit
    () => defineConfig({ softTimeLimit: '5 minutes' }),
    // @ts-expect-error none is said by leaving it out
    () => defineConfig({ shutdownTimeout: null }),
    // @ts-expect-error a number, not a text
    () => defineConfig({ maxTasksPerChild: '100' }),
    // @ts-expect-error no such unit
    () => defineConfig({ maxMemoryPerChild: '200M' }),
    // @ts-expect-error no unit
    () => defineConfig({ maxMemoryPerChild: '200' }),
    // @ts-expect-error what becomes of jobs is said by tasks and calls
    () => defineConfig({ retries: 3 }),
    // @ts-expect-error the same
    () => defineConfig({ onCrash: 'fail' }),
    // @ts-expect-error the same
    () => defineConfig({ backoff: '1s' }),
    // @ts-expect-error the same
    () => defineConfig({ expires: '1h' }),
  ];

  assert.deepEqual(accepted.map(defineConfig), accepted);
  assert.equal(refused.length, 10);
});

test('a running job knows when it must end, and may ask for another run', () => {
  const within = (): never => {
    const { deadline, signal, retry } = currentJob();
    same<typeof deadline, number | null>();
    same<typeof signal, AbortSignal>();
    // @ts-expect-error no unit
    if (signal.aborted) return retry({ countdown: '5' });
    return retry({ countdown: '5s', cause: new Flaky(503) });
  };
  // @ts-expect-error it ends the run: nothing comes back
  const after = (): string => currentJob().retry().name;

  assert.throws(within);
  assert.throws(after);
  assert.ok(new PermanentError('not again') instanceof Error);
});

test('a handle revokes with nothing or with terminate, and says what came of it', () => {
  const handle = add.result('01a2025d-adaa-7000-bfac-dd787a748d6d');
  const calls = [
    () => handle.revoke(),
    () => handle.revoke({}),
    () => handle.revoke({ terminate: true }),
    // @ts-expect-error true or false
    () => handle.revoke({ terminate: 'SIGKILL' }),
    // @ts-expect-error no such option
    () => handle.revoke({ force: true }),
  ];

  same<Awaited<ReturnType<typeof handle.revoke>>, 'revoked' | 'requested' | 'ended'>();
  same<Awaited<ReturnType<typeof handle.retry>>, void>();
  void (() => [call({ after: handle }), call({ after: handle.id })]);
  // @ts-expect-error -- a number is no job
  void (() => call({ after: 7 }));
  // @ts-expect-error -- each call names its own
  void (() => define({ after: handle.id }));
  // @ts-expect-error -- a job is sent back as it was
  void (() => handle.retry({ args: [3, 4] }));
  assert.equal(calls.length, 5);
});

test('limits are a number and a rate with a unit', () => {
  const accepted: readonly TaskOptions[] = [
    { concurrency: 2 },
    { rateLimit: '10/s' },
    { concurrency: 1, rateLimit: '5/d' },
  ];
  const queues = defineConfig({ queues: { mail: { concurrency: 2, rateLimit: '100/m' }, reports: {} } });
  const refused = [
    // @ts-expect-error no unit
    (): TaskOptions => ({ rateLimit: '10' }),
    // @ts-expect-error no such unit
    (): TaskOptions => ({ rateLimit: '10/min' }),
    // @ts-expect-error a number
    (): TaskOptions => ({ rateLimit: 10 }),
    // @ts-expect-error not a text
    (): TaskOptions => ({ concurrency: '2' }),
    // @ts-expect-error it holds for all jobs of a task, not for one
    () => add.applyAsync([1, 2], { rateLimit: '10/s' }),
    // @ts-expect-error no such limit
    () => defineConfig({ queues: { mail: { rate: '10/s' } } }),
  ];

  assert.equal(accepted.length + refused.length, 9);
  assert.ok('queues' in queues);
});

test('progress is a number or two, and a detail that survives JSON', () => {
  interface Row {
    readonly file: string;
    readonly line?: number;
  }
  const row: Row = { file: 'a' };
  const accepted = [
    () => currentJob().progress(0.5),
    () => currentJob().progress({ done: 1, total: 2 }),
    () => currentJob().progress(0.5, 'text'),
    () => currentJob().progress(0.5, [1, { a: null }]),
    () => currentJob().progress(0.5, row),
  ];
  const refused = [
    // @ts-expect-error nothing
    () => currentJob().progress(),
    // @ts-expect-error a text
    () => currentJob().progress('0.5'),
    // @ts-expect-error of how much
    () => currentJob().progress({ done: 1 }),
    // @ts-expect-error no such part
    () => currentJob().progress({ done: 1, total: 2, detail: 'x' }),
    // @ts-expect-error two numbers, as if the second were the total
    () => currentJob().progress(1, 20),
    // @ts-expect-error a Date does not survive JSON
    () => currentJob().progress(0.5, new Date()),
    // @ts-expect-error nor does it inside
    () => currentJob().progress(0.5, { at: new Date() }),
    // @ts-expect-error nor does a function
    () => currentJob().progress(0.5, () => 1),
  ];

  assert.deepEqual([accepted.length, refused.length], [5, 8]);
});

test('a checkpoint is any JSON, or what the task says that it keeps', () => {
  interface Place {
    readonly row: number;
    readonly file?: string;
  }
  const accepted = [
    () => currentJob().checkpoint({ row: 1 }),
    () => currentJob().checkpoint(null),
    () => currentJob<Place>().checkpoint({ row: 1 }),
    () => currentJob<Place>().checkpointed?.row ?? 0,
  ];
  const refused = [
    // @ts-expect-error a Date does not survive JSON
    () => currentJob().checkpoint(new Date()),
    // @ts-expect-error nor does it inside
    () => currentJob().checkpoint({ at: new Date() }),
    // @ts-expect-error nor in what the task says that it keeps
    () => currentJob<{ at: Date }>().checkpoint({ at: new Date() }),
    // @ts-expect-error not what the task keeps
    () => currentJob<Place>().checkpoint({ line: 1 }),
    // @ts-expect-error there may be none
    () => currentJob<Place>().checkpointed.row,
    // @ts-expect-error it is read, not set
    () => (currentJob<Place>().checkpointed = { row: 1 }),
  ];

  assert.deepEqual([accepted.length, refused.length], [4, 6]);
  same<CurrentJob['checkpointed'], JsonValue | undefined>();
});
