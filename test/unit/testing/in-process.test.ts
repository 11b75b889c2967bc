/** What jobs that run in the test's own process print, how long their outcomes are kept, and what is said of their spool. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import { task, TimeoutError, UnknownJobError, UsageError } from '../../../src/index.ts';
import { temporarySpool } from '../../../src/testing/testing.ts';

test.afterEach(() => registry().tasks.clear());

test('what a task prints is kept with its job and printed too, also of jobs that run at one time', async (t) => {
  const inner = task('inner', () => console.log('called directly'));
  const talk = task('talk', async (name: string) => {
    console.log(`hello ${name}`);
    await new Promise(setImmediate);
    process.stderr.write(`bye ${name}\n`);
  });
  const calls = task('calls', async () => {
    await inner();
  });
  const printed: unknown[] = [];
  t.mock.method(process.stdout, 'write', (text: unknown) => printed.push(text) > 0);
  t.mock.method(process.stderr, 'write', (text: unknown) => printed.push(text) > 0);
  const [plain, tapped] = [process.stdout.write, process.stderr.write];
  const spool = await temporarySpool({ concurrency: 2 });
  const sent = [await talk.delay('Ada'), await talk.delay('Bob')];
  await spool.drain();
  const direct = await calls.delay();
  console.log('of the test itself');
  await spool.drain();

  const logs = await Promise.all([...sent, direct].map((result) => linesOf(result.logs())));
  await spool.close();

  assert.deepEqual(logs, [
    ['stdout hello Ada', 'stderr bye Ada'],
    ['stdout hello Bob', 'stderr bye Bob'],
    ['stdout called directly'],
  ]);
  for (const text of ['hello Ada\n', 'bye Bob\n', 'of the test itself\n']) assert.ok(printed.includes(text), text);
  assert.deepEqual([process.stdout.write, process.stderr.write], [plain, tapped], 'nobody listens any more');
});

test('moving the clock forgets what is over by it, and no sooner; drain() forgets nothing', async (t) => {
  const give = task('give', { resultTtl: { succeeded: '1h', failed: '2d' } }, (isGood: boolean) => {
    if (!isGood) throw new Error('no');
    return 1;
  });
  const usual = task('usual', () => 2);
  const spool = await temporarySpool(t);
  const [good, bad, plain] = [await give.delay(true), await give.delay(false), await usual.delay()];
  await spool.drain();
  assert.equal(await app(good).state(), 'succeeded');

  await spool.clock.advance('50m');
  assert.equal(await app(good).state(), 'succeeded');
  await spool.clock.advance('11m');
  assert.deepEqual([await app(good).state(), await app(plain).state()], ['unknown', 'succeeded']);
  await usual.applyAsync([], { countdown: '36h' });
  const { succeeded, failed } = await spool.drain({ delayed: true });
  assert.deepEqual([succeeded, failed], [2, 1]);
  await spool.clock.advance('1h');

  assert.deepEqual([await app(plain).state(), await app(bad).state()], ['unknown', 'failed']);
  await assert.rejects(app(good).get(), UnknownJobError);

  function app({ id }: { readonly id: string }): ReturnType<typeof give.result> {
    return give.result(id);
  }
});

test('who waits for a job of a `manual` spool is told of drain(), and not of a worker to start', async (t) => {
  const give = task('give', () => 1);
  await temporarySpool(t, { manual: true });
  const sent = await give.delay();

  const error: unknown = await sent.get('10ms').catch((reason: unknown) => reason);

  assert.ok(error instanceof TimeoutError);
  assert.match(error.message, /No worker runs on the temporary spool now: with `manual` jobs run in drain\(\) only/);
});

test('a handle of a spool that is closed says so, also while another is open', async (t) => {
  const give = task('give', () => 1);
  const first = await temporarySpool({ manual: true });
  const sent = await give.delay();
  await first.close();
  const isOver = { code: 'FSQ_TESTING', message: /is closed, and its jobs with it/ };

  for (let round = 0; round < 2; round++) {
    const calls = [() => sent.get(), () => sent.state(), () => sent.revoke(), () => sent.forget(), () => sent.retry()];
    for (const call of calls) await assert.rejects(call, isOver);
    await assert.rejects(linesOf(sent.logs()), (error) => error instanceof UsageError && error.code === 'FSQ_TESTING');
    if (round === 0) await temporarySpool(t);
  }
});

async function linesOf(lines: AsyncIterable<{ readonly stream: string; readonly text: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { stream, text } of lines) found.push(`${stream} ${text}`);
  return found;
}

test('the clock ends the wait of a debounced job, which has the arguments of the last call', async (t) => {
  const save = task(
    'save',
    { key: (page) => page, unique: { debounce: '5m', maxWait: '12m' } },
    (page: string, n: number) => `${page} ${n}`,
  );
  const spool = await temporarySpool(t);
  const first = await save.delay('home', 1);
  for (let n = 2; n <= 3; n++) {
    await spool.clock.advance('4m');
    await save.delay('home', n);
  }
  await spool.drain();
  assert.equal(await first.ready(), false);
  await spool.clock.advance('4m'); // The longest wait is over before the last one.
  await spool.drain();

  assert.equal(await first.get('20s'), 'home 3');
});
