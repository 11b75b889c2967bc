/** What other programs see of fsq's jobs on BullMQ, and fsq of theirs: plain queues and workers of BullMQ, and bull-board. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { until, within } from '../support/conditions.ts';
import { fsq, type Project, tempProject } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';

const TASKS = {
  'tasks.mjs': `import { task } from 'fsq';
task('add', (a, b) => a + b);
task('greet', ({ name }) => 'Hello ' + name);
task('fail', () => { throw Object.assign(new RangeError('too far'), { code: 'E_FAR' }); });
task('again', { retries: 2, backoff: '10ms' }, () => { throw new Error('not yet'); });
`,
};

/** A project whose jobs are on a Redis, under a prefix of its own, and the same queue as plain BullMQ has it. */
async function shared(
  t: TestContext,
  prefix: string,
): Promise<{
  readonly project: Project;
  readonly env: { readonly FSQ_BROKER: string };
  readonly options: { readonly connection: { readonly host: string; readonly port: number }; readonly prefix: string };
  readonly queue: Queue;
}> {
  const server = await redisServer();
  const options = { connection: { host: '127.0.0.1', port: server.port }, prefix };
  const queue = new Queue('default', options);
  t.after(() => queue.close());
  return { project: tempProject(t, TASKS), env: { FSQ_BROKER: server.url(prefix) }, options, queue };
}

const DRAIN = ['drain', '-c', '1', '--timeout', '60s'];

describe('other programs of BullMQ', { skip: lacksRedis }, () => {
  test('a plain queue adds jobs that a worker of fsq runs: `args`, or any data as the only argument', async (t) => {
    const { project, env, options, queue } = await shared(t, 'plain-queue');
    const events = new QueueEvents('default', options);
    t.after(() => events.close());
    const sum = await queue.add('add', { args: [1, 2] });
    const greeting = await queue.add('greet', { name: 'Zoë' });
    const failing = await queue.add('fail', {});

    await fsq(project, DRAIN, { env });

    assert.equal(await sum.waitUntilFinished(events, 5_000), 3);
    assert.equal(await greeting.waitUntilFinished(events, 5_000), 'Hello Zoë');
    const failed = await queue.getJob(failing.id ?? '');
    assert.equal(failed?.failedReason, 'too far');
    assert.match(failed?.stacktrace?.at(-1) ?? '', /^RangeError: too far\n/);
  });

  test('a plain worker takes jobs that fsq has sent, and their callers get what it gives', async (t) => {
    const { project, env, options } = await shared(t, 'plain-worker');
    const seen: unknown[] = [];
    const worker = new Worker(
      'default',
      async (job) => {
        seen.push([job.name, job.data.args, job.opts.attempts]);
        if (job.name === 'fail') throw new UnrecoverableError('no way');
        return job.data.args[0] * 10;
      },
      options,
    );
    t.after(() => worker.close());
    await worker.waitUntilReady();

    const sent = await fsq(project, ['call', 'times-ten', '4.5', '--timeout', '20s'], { env });
    const failed = await fsq(project, ['call', 'fail', '--timeout', '20s'], { env });

    assert.deepEqual([sent.code, JSON.parse(sent.stdout)], [0, 45], sent.stderr);
    assert.deepEqual(seen[0], ['times-ten', [4.5], 1]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /UnrecoverableError: no way/);
  });

  test('bull-board renders them: counts, arguments, value, error, stack and attempts', async (t) => {
    const { project, env, queue } = await shared(t, 'board');
    await fsq(project, ['call', 'add', '1', '2'], { env });
    await fsq(project, ['call', 'fail'], { env });
    await fsq(project, ['call', 'again'], { env });
    await fsq(project, ['call', 'add', '0', '0', '--countdown', '1h'], { env });
    // A retry that is not due yet is not waited for.
    const hasFailed = async (): Promise<boolean> => {
      await fsq(project, DRAIN, { env });
      return (await queue.getFailedCount()) === 2;
    };
    await until(hasFailed, 'two have failed');

    const board = boardOf(queue);
    const [shown] = await within(board('completed'), 'an answer');
    const [failed] = await within(board('failed'), 'an answer');
    const [delayed] = await within(board('delayed'), 'an answer');

    assert.deepEqual(
      [shown?.counts.completed, shown?.counts.failed, shown?.counts.delayed],
      [1, 2, 1],
      JSON.stringify(shown?.counts),
    );
    const [sum] = shown?.jobs ?? [];
    assert.deepEqual([sum?.name, sum?.data.args, sum?.returnValue], ['add', [1, 2], 3]);
    const again = failed?.jobs.find(({ name }) => name === 'again');
    assert.deepEqual([again?.failedReason, again?.attempts], ['not yet', 3]);
    assert.match(
      failed?.jobs.find(({ name }) => name === 'fail')?.stacktrace.at(-1) ?? '',
      /^RangeError: too far\n {4}at /,
    );
    assert.equal(delayed?.jobs[0]?.name, 'add');
  });
});

interface ShownQueue {
  readonly counts: Readonly<Record<string, number>>;
  readonly jobs: readonly {
    readonly name: string;
    readonly data: { readonly args: unknown };
    readonly returnValue: unknown;
    readonly failedReason: string;
    readonly stacktrace: readonly string[];
    readonly attempts: number;
  }[];
}

/** What bull-board's page asks its server for, without a server. */
function boardOf(queue: Queue): (status: string) => Promise<readonly ShownQueue[]> {
  type Route = Parameters<Parameters<typeof createBullBoard>[0]['serverAdapter']['setApiRoutes']>[0][number];
  let routes: readonly Route[] = [];
  let queues: unknown;
  const adapter: Record<string, unknown> = {
    setApiRoutes: (given: readonly Route[]) => {
      routes = given;
      return adapter;
    },
    setQueues: (given: unknown) => {
      queues = given;
      return adapter;
    },
  };
  for (const name of ['setViewsPath', 'setStaticPath', 'setEntryRoute', 'setErrorHandler', 'setUIConfig'])
    adapter[name] = () => adapter;
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter: adapter as never });
  const route = routes.find(({ route: path }) => [path].flat().includes('/api/queues'));
  return async (status) => {
    const request = { queues, query: { activeQueue: 'default', status, page: '1' }, params: {}, body: {} };
    assert.ok(route !== undefined);
    const { body } = await route.handler(request as never);
    return (body as { readonly queues: readonly ShownQueue[] }).queues;
  };
}
