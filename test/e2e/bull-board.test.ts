/** The adapter of examples/bull-board: what bull-board's page asks its server for, on a real spool. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createBullBoard } from '@bull-board/api';
import { SpoolAdapter } from '../../examples/bull-board/spool-adapter.js';
import { createApp } from '../../src/app/app.ts';
import { fsq, tempProject } from '../support/project.ts';

const TASKS = `import { task } from 'fsq';
task('add', (a, b) => (console.log('adding'), a + b));
task('fail', () => { throw new RangeError('too far'); });
`;

type Route = Parameters<Parameters<typeof createBullBoard>[0]['serverAdapter']['setApiRoutes']>[0][number];
interface ShownJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly returnValue: unknown;
  readonly attempts: number;
  readonly failedReason: string;
  readonly stacktrace: readonly string[];
}

interface ShownQueue {
  readonly counts: Readonly<Record<string, number>>;
  readonly jobs: readonly ShownJob[];
  readonly isPaused: boolean;
}

/** As far as this test looks into one. */
interface Body {
  readonly queues?: readonly ShownQueue[];
  readonly job?: { readonly id: string };
}

type Ask = (
  path: string,
  query?: object,
  params?: object,
  body?: object,
) => Promise<{ readonly status?: number; readonly body: Body }>;

/** Asks as the page of bull-board does, without a server between. */
function boardOf(adapter: object): Ask {
  let routes: readonly Route[] = [];
  let queues: unknown;
  const server: Record<string, unknown> = {
    setApiRoutes: (given: readonly Route[]) => ((routes = given), server),
    setQueues: (given: unknown) => ((queues = given), server),
  };
  for (const name of ['setViewsPath', 'setStaticPath', 'setEntryRoute', 'setErrorHandler', 'setUIConfig'])
    server[name] = () => server;
  createBullBoard({ queues: [adapter as never], serverAdapter: server as never });
  return async (path, query = {}, params = {}, body = {}) => {
    const found = routes.find(({ route }) => [route].flat().includes(path));
    assert.ok(found !== undefined, `no route ${path} among ${routes.map(({ route }) => String(route)).join(', ')}`);
    const answer = await found.handler({ queues, query, params: { queueName: 'default', ...params }, body } as never);
    return answer as Awaited<ReturnType<Ask>>;
  };
}

test('bull-board shows a queue of a spool, and acts on its jobs', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  const send = async (...line: readonly string[]): Promise<string> =>
    (await fsq(project, ['call', ...line])).stdout.trim();
  const [sum, bad] = [await send('add', '1', '2'), await send('fail')];
  await send('add', '5', '5', '-q', 'mail');
  await fsq(project, ['drain', '-c', '1']);
  const later = await send('add', '0', '0', '--countdown', '1h');
  const waits = await send('add', '3', '4');
  const app = createApp({ spool: project.spool });
  t.after(() => app.close());
  const ask = boardOf(new SpoolAdapter(app, 'default'));
  const shown = async (status: string): Promise<ShownQueue> => {
    const { body, status: code } = await ask('/api/queues', { activeQueue: 'default', status, page: '1' });
    const [queue] = body.queues ?? [];
    assert.ok(queue !== undefined, JSON.stringify([code, body]));
    return queue;
  };

  const latest = await shown('latest');
  const { counts } = latest;
  assert.deepEqual(counts, { active: 0, waiting: 1, delayed: 1, completed: 1, failed: 1 });
  assert.deepEqual(latest.jobs.map(({ id }) => id).toSorted(), [sum, bad, later, waits].toSorted());
  const [done] = (await shown('completed')).jobs;
  assert.deepEqual([done?.name, done?.data, done?.returnValue, done?.attempts], ['add', { args: [1, 2] }, 3, 1]);
  const [failed] = (await shown('failed')).jobs;
  assert.equal(failed?.failedReason, 'RangeError: too far');
  assert.match(failed?.stacktrace[0] ?? '', /^RangeError: too far\n {4}at /);
  const logs = await ask('/api/queues/:queueName/:jobId/logs', {}, { jobId: sum });
  assert.deepEqual(logs.body, ['adding']);

  await ask('/api/queues/:queueName/:jobId/retry', {}, { jobId: bad });
  await ask('/api/queues/:queueName/pause');
  assert.deepEqual([(await shown('failed')).counts.waiting, (await shown('failed')).isPaused], [2, true]);
  await ask('/api/queues/:queueName/resume');
  await ask('/api/queues/:queueName/:jobId/clean', {}, { jobId: sum });
  assert.equal((await fsq(project, ['get', sum])).code, 3);
  const added = await ask('/api/queues/:queueName/add', {}, {}, { name: 'add', data: { args: [20, 22] }, options: {} });
  assert.equal((await fsq(project, ['drain', '-c', '1'])).code, 1);
  assert.equal((await fsq(project, ['get', added.body.job?.id ?? ''])).stdout, '42\n');
  await ask('/api/queues/:queueName/empty');
  assert.deepEqual((await shown('delayed')).counts.delayed, 0);
  assert.equal((await fsq(project, ['get', later])).code, 4, 'what was emptied is revoked');
});
