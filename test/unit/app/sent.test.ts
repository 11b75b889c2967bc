/** What is sent is what stood there when the call was made, whatever the caller does while the call is under way. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { GroupResult } from '../../../src/app/group-result.ts';
import { registry } from '../../../src/app/registry.ts';
import { type App, type AsyncResult, createApp, NotSerialisableError } from '../../../src/index.ts';
import type { JsonValue } from '../../../src/job/values/json.ts';
import type { Job } from '../../../src/job/job.ts';
import { tempDir } from '../../support/temp.ts';

const modes: readonly [string, boolean][] = [
  ['in a spool', false],
  ['with alwaysEager', true],
];

for (const [where, alwaysEager] of modes) {
  test(`an argument that is changed in a loop is sent as it was in each round, ${where}`, async (t) => {
    const take = tempApp(t, alwaysEager).task('take', (job: { i: number }) => job.i);
    const sent: Promise<AsyncResult>[] = [];

    for (const job = { i: 0 }; job.i < 3; job.i++) sent.push(take.delay(job));

    assert.deepEqual(await argsOf(sent), [[{ i: 0 }], [{ i: 1 }], [{ i: 2 }]]);
  });

  test(`what is put into an argument after the call is not sent, and so need not be data, ${where}`, async (t) => {
    const take = tempApp(t, alwaysEager).task('take', (...args: unknown[]) => args.length);
    const deep: Record<string, unknown> = { list: [1] };
    const list: unknown[] = [deep];

    const sent = [take.delay(deep), take.applyAsync(list)];
    deep['when'] = new Date(0);
    list.push(1n);

    assert.deepEqual(await argsOf(sent), [[{ list: [1] }], [{ list: [1] }]]);
  });

  test(`rows of delayMany and their list are read in the call, ${where}`, async (t) => {
    const take = tempApp(t, alwaysEager).task('take', (row: { n: number }) => row.n);
    const row = { n: 1 };
    const rows: [{ n: number }][] = [[row], [{ n: 2 }]];

    const sent: Promise<GroupResult> = take.delayMany(rows);
    row.n = 9;
    rows[1] = [{ n: 9 }];
    rows.length = 0;

    assert.deepEqual(await argsOf((await sent).results.map(async (result) => result)), [[{ n: 1 }], [{ n: 2 }]]);
  });

  test(`a value that turns bad after it was read is sent as it was read, ${where}`, async (t) => {
    const take = tempApp(t, alwaysEager).task('take', (value: unknown) => typeof value);
    let reads = 0;
    const turning = {
      get value(): unknown {
        return reads++ === 0 ? 'first' : { toJSON: () => 'another' };
      },
    };

    assert.deepEqual(await argsOf([take.delay(turning)]), [[{ value: 'first' }]]);
  });
}

test('headers and dates among the options are read in the call', async (t) => {
  const take = tempApp(t, false).task('take', () => null);
  const eta = new Date('2100-01-01');
  const expires = new Date('2100-02-01');
  const headers: Record<string, string> = { trace: 'a' };
  const backoff: { initial: number } = { initial: 5 };

  const sent = take.applyAsync([], { eta, expires, headers, backoff, retries: 1 });
  eta.setFullYear(2200);
  expires.setFullYear(2000);
  headers['trace'] = 'b';
  backoff.initial = -1;

  const [job] = await jobsOf([sent]);
  assert.deepEqual(job?.headers, { trace: 'a' });
  assert.equal(job?.options.etaMs, Date.parse('2100-01-01'));
  assert.equal(job?.options.expiresAtMs, Date.parse('2100-02-01'));
  assert.equal(job?.options.backoff?.initialMs, 5);
});

test('a key is made of what is sent, and what its function does to that is not sent', async (t) => {
  const key = (row: { tags: string[] }): string => row.tags.sort().splice(0).join();
  const take = tempApp(t, false).task('take', { key }, (row: { tags: string[] }) => row.tags);
  const row = { tags: ['b', 'a'] };

  const sent = take.delay(row);
  row.tags = ['c'];

  const [job] = await jobsOf([sent]);
  assert.deepEqual([job?.options.key, job?.args], ['a,b', [{ tags: ['b', 'a'] }]]);
});

test('an argument that is refused is refused in the call, before a later change can hide it', async (t) => {
  const take = tempApp(t, false).task('take', (value: unknown) => typeof value);
  const value: Record<string, unknown> = { when: new Date(0) };

  const sent = take.delay(value);
  delete value['when'];

  await assert.rejects(sent, (error) => error instanceof NotSerialisableError && error.path === 'args[0].when');
});

test('an option that is there and undefined leaves what the task says', async (t) => {
  const { task } = tempApp(t, false);
  const take = task('take', { queue: 'mails', priority: 2, retries: 3 }, (text?: string | undefined) => text);
  const options = { queue: undefined, priority: undefined, retries: undefined, headers: undefined };

  const result = await take.applyAsync([], options as object);

  const info = await result.info();
  assert.deepEqual([info?.standing.queue, info?.standing.priority], ['mails', 2]);
  assert.deepEqual([info?.record?.job.options, info?.record?.job.args], [{ retries: 3 }, []]);
});

async function argsOf(sent: readonly Promise<AsyncResult>[]): Promise<readonly (readonly JsonValue[])[]> {
  return (await jobsOf(sent)).map(({ args }) => args);
}

async function jobsOf(sent: readonly Promise<AsyncResult>[]): Promise<readonly Job[]> {
  const infos = await Promise.all((await Promise.all(sent)).map((result) => result.info()));
  return infos.map((info) => info?.record?.job ?? assert.fail('no job'));
}

function tempApp(t: TestContext, alwaysEager: boolean): App {
  const app = createApp({ spool: join(tempDir(t), 'spool'), fsync: false, alwaysEager });
  t.after(async () => {
    registry().tasks.clear();
    await app.close();
  });
  return app;
}
