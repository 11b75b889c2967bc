/** The handle of a group: its results as they end, how far it is, and what is done with all of it, also from another process. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import {
  type App,
  AsyncResult,
  chain,
  createApp,
  currentJob,
  type FailedJob,
  group,
  GroupResult,
  TimeoutError,
} from '../../../src/index.ts';
import { type TemporarySpool, temporarySpool } from '../../../src/testing/testing.ts';
import { within } from '../../support/conditions.ts';
import { job, nextId } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

/** Runs that the test ends, by their names. */
class Gates {
  readonly #open = new Map<string, { resolve(value: string): void; reject(error: Error): void }>();
  readonly #begun = new Map<string, () => void>();

  /** @param signal ends it as well */
  pass(name: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      this.#open.set(name, { resolve, reject });
      this.#begun.get(name)?.();
    });
  }

  endAll(): void {
    for (const [name, { resolve }] of this.#open) resolve(name);
  }

  /** Resolves when it runs. */
  async begun(name: string): Promise<void> {
    if (!this.#open.has(name))
      await within(new Promise<void>((resolve) => this.#begun.set(name, resolve)), `the run of ${name}`, 20_000);
  }

  async end(name: string, error?: Error): Promise<void> {
    await this.begun(name);
    const gate = this.#open.get(name);
    if (error === undefined) gate?.resolve(name);
    else gate?.reject(error);
  }
}

interface Scene {
  readonly app: App;
  readonly spool: TemporarySpool;
  readonly gates: Gates;
  readonly gate: ReturnType<typeof gateOf>;
  readonly join: ReturnType<typeof joinOf>;
}

function gateOf({ task }: App, gates: Gates) {
  return task('gate', (name: string) => gates.pass(name, currentJob().signal));
}

function joinOf({ task }: App) {
  return task('join', (names: readonly string[]) => names.join('+'));
}

async function scene(t: TestContext): Promise<Scene> {
  const spool = await temporarySpool(t, { concurrency: 4 });
  const app = createApp();
  t.after(() => registry().tasks.clear());
  const gates = new Gates();
  return { app, spool, gates, gate: gateOf(app, gates), join: joinOf(app) };
}

test('results come in the order in which their jobs end, each at once, also those that fail', async (t) => {
  const { gates, gate } = await scene(t);
  const handle = await group(['a', 'b', 'c', 'd'].map((name) => gate.s(name))).delay();
  const results = handle[Symbol.asyncIterator]();

  const seen: unknown[] = [];
  for (const name of ['c', 'a', 'd', 'b']) {
    await gates.end(name, name === 'a' ? new Error('no a') : undefined);
    const { value } = await within(results.next(), `the result of ${name}`, 20_000);
    seen.push(await value?.get(0).catch((error: Error) => error.message));
  }

  assert.deepEqual(seen, ['c', 'no a', 'd', 'b']);
  assert.deepEqual(await results.next(), { value: undefined, done: true });
});

test('results that have ended before come first, in the order in which they ended', async (t) => {
  const { gates, gate } = await scene(t);
  const handle = await group(['a', 'b', 'c', 'd'].map((name) => gate.s(name))).delay();
  const [a, , c, d] = handle.results;
  for (const [name, result] of [
    ['d', d],
    ['a', a],
    ['c', c],
  ] as const) {
    await gates.end(name);
    await result?.get('20s');
    const endedAt = Date.now();
    while (Date.now() === endedAt) await new Promise(setImmediate); // Ends of one millisecond have no order.
  }

  const seen: unknown[] = [];
  for await (const result of handle) {
    seen.push(await result.get(0));
    if (seen.length === 3) await gates.end('b');
  }

  assert.deepEqual(seen, ['d', 'a', 'c', 'b']);
});

test('a loop over a group where no worker lives is told of after three seconds, once', async (t) => {
  const { broker, path } = tempSpool(t);
  const jobs = [job(), job(), job()];
  await broker.enqueue(jobs);
  const handle = new GroupResult(jobs.map(({ job: { id } }) => new AsyncResult(id, async () => broker, true)));
  const warnings: string[] = [];
  const hear = (warning: Error): void => void (warning.name === 'FsqWarning' && warnings.push(warning.message));
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const results = handle[Symbol.asyncIterator]();

  const next = results.next();
  await new Promise(setImmediate);
  t.mock.timers.tick(3_000);
  for (let i = 0; i < 200 && warnings.length === 0; i++) await new Promise(setImmediate);
  t.mock.timers.reset();

  assert.deepEqual(warnings, [`No worker is running on ${path}: the job waits until \`fsq worker\` starts one.`]);
  await broker.revoke(jobs.map(({ job: { id } }) => id));
  assert.equal(await (await next).value?.state(), 'revoked');
  await results.return();
});

test('a loop that is left early waits no longer, and the group can be iterated again', async (t) => {
  const { gates, gate } = await scene(t);
  const handle = await group(['a', 'b'].map((name) => gate.s(name))).delay();
  await gates.end('a');

  for await (const result of handle) {
    assert.equal(await result.get(), 'a');
    break;
  }
  await gates.end('b');

  const seen: unknown[] = [];
  for await (const result of handle) seen.push(await result.get());
  assert.deepEqual(seen.toSorted(), ['a', 'b']);
});

test('progress counts what has ended, and how; settled() waits for all, get() throws the first in order', async (t) => {
  const { app, gates, gate } = await scene(t);
  const handle = await group(['a', 'b', 'c'].map((name) => gate.s(name))).delay();
  const [, b] = handle.results;

  assert.deepEqual(await handle.progress(), { total: 3, done: 0, succeeded: 0, failed: 0 });
  await gates.end('c', new TypeError('no c'));
  await handle.results[2]?.get('20s').catch(() => undefined);
  assert.deepEqual(await handle.progress(), { total: 3, done: 1, succeeded: 0, failed: 1 });
  await assert.rejects(handle.settled('10ms'), TimeoutError);
  await assert.rejects(handle.settled({ signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' });
  await gates.begun('b');
  await b?.revoke(); // It ends when it hears of that.
  await gates.end('a');

  const settled = await handle.settled('20s');
  const shown = settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code));
  assert.deepEqual(shown, ['a', 'FSQ_REVOKED', 'FSQ_TASK_FAILED']);
  assert.deepEqual(await handle.progress(), { total: 3, done: 3, succeeded: 1, failed: 2 });
  await assert.rejects(handle.get(0), { code: 'FSQ_REVOKED' });
  assert.equal(await handle.ready(), true);
  await app.close();
});

test('a group that another process restores from ids is the same group', async (t) => {
  const { gates, gate, join } = await scene(t);
  const sent = await group(['a', 'b'].map((name) => gate.s(name))).delay();
  const ids = sent.results.map(({ id }) => id);

  const restored = new GroupResult(ids.map((id) => gate.result(id)));
  const after = await restored.done(join.s());
  for (const name of ['a', 'b']) await gates.end(name);

  assert.deepEqual(await restored.get('20s'), ['a', 'b']);
  assert.equal(await after.get('20s'), 'a+b');
  const seen: unknown[] = [];
  for await (const result of restored) seen.push(await result.get());
  assert.deepEqual(seen.toSorted(), ['a', 'b']);
});

test('a member whose outcome is forgotten comes to no end: it is given, and tells so', async (t) => {
  const { gates, gate, join } = await scene(t);
  const sent = await group(['a', 'b'].map((name) => gate.s(name))).delay();
  for (const name of ['a', 'b']) await gates.end(name);
  await sent.settled('20s');
  await sent.results[0]?.forget();
  const restored = new GroupResult([...sent.results, gate.result(nextId())]);

  const seen: unknown[] = [];
  for await (const result of restored) seen.push(await result.get().catch((error: { code: string }) => error.code));
  const settled = await restored.settled();
  const after = await restored.done(join.s());

  assert.deepEqual(seen.toSorted(), ['FSQ_UNKNOWN_JOB', 'FSQ_UNKNOWN_JOB', 'b']);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  );
  assert.deepEqual(await restored.progress(), { total: 3, done: 1, succeeded: 1, failed: 0 });
  await assert.rejects(after.get('20s'), { code: 'FSQ_TASK_FAILED', message: /is nowhere/ });
  await assert.rejects(restored.revoke(), { code: 'FSQ_UNKNOWN_JOB' });
});

test('a member that has expired fails what follows, with that as the cause', async (t) => {
  const { gates, gate, join } = await scene(t);
  const sent = await group([gate.s('a'), gate.s('b').set({ expires: new Date(Date.now() - 1_000) })]).delay();
  const after = await sent.done(join.s());
  await gates.end('a');

  await assert.rejects(after.get('20s'), (error) => Object(Object(error).cause).code === 'FSQ_EXPIRED');
  const [a, b] = await sent.settled('20s');
  assert.deepEqual([a.status, b.status === 'rejected' && b.reason.code], ['fulfilled', 'FSQ_EXPIRED']);
});

test('revoke() of a whole ends all of its jobs, those that wait for others and the handler too', async (t) => {
  const { app, gates, gate, join, spool } = await scene(t);
  const note = app.task('note', (failed: FailedJob) => assert.fail(`nothing is to be handled, got ${failed.id}`));
  const whole = chain(gate.s('a'), group([gate.si('b'), chain(gate.si('c'), gate.s())]), join.s());
  const onError = note.s();
  const running = await whole.delay({ onError });
  const wide = await chain(gate.s('x'), group([gate.s(), chain(gate.s(), gate.s())])).delay();

  assert.equal(await running.revoke(), 'revoked');
  assert.deepEqual(await wide.revoke(), ['revoked', 'revoked']);
  gates.endAll();
  await spool.drain();

  const states = (await spool.jobs()).map(({ state }) => state);
  assert.deepEqual(
    states,
    Array.from({ length: 10 }, () => 'revoked'),
  );
  assert.equal((await app.broker()).place, spool.path);
});

test('retry() of a whole sends back all that failed, so that it comes to its end', async (t) => {
  const { app, join } = await scene(t);
  let isGood = false;
  const moody = app.task('moody', (name: string) => (isGood ? name : assert.fail('bad mood')));
  const handle = await chain(group([moody.s('a'), chain(moody.s('b'), moody.s())]), join.s()).delay();
  const wide = await chain(moody.s('x'), group([moody.s(), chain(moody.s(), moody.s())])).delay();
  await assert.rejects(handle.get('20s'), { remoteCode: 'FSQ_PREDECESSOR' });
  await wide.settled('20s');

  isGood = true;
  await handle.retry();
  assert.equal(await wide.retry(), 4);

  assert.equal(await handle.get('20s'), 'a+b');
  assert.deepEqual(await wide.get('20s'), ['x', 'x']);
  await assert.rejects(handle.retry(), { code: 'FSQ_SUCCEEDED' });
});
