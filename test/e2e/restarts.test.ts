/** What a worker tells of its children that died. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { StatusReport } from '../../src/app/telling/status-report.ts';
import type { Restarts } from '../../src/broker/common/restarts.ts';
import { until } from '../support/conditions.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { task } from 'fsq';
task('add', (a, b) => a + b);
appendFileSync('started.txt', process.pid + '\\n');
`;

test('a worker tells how many of its children died, and why the last did, and counts none that it has let go', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--max-tasks-per-child', '1']);
  const restarts = async (): Promise<Restarts | null | undefined> => {
    const report = JSON.parse((await fsq(at, ['status', '--json'])).stdout) as StatusReport;
    return report.workers[0]?.restarts;
  };
  const started = (least: number): Promise<readonly number[]> =>
    until(() => {
      const pids = readFileSync(join(at.path, 'started.txt'), 'utf8').split('\n').slice(0, -1).map(Number);
      return pids.length >= least && pids;
    }, `${least} children have started`);
  assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
  const [, second = 0] = await started(2);
  assert.deepEqual(await restarts(), { count: 0, last: null });

  process.kill(second, 'SIGKILL');

  await until(async () => (await restarts())?.count === 1, 'the worker tells of it');
  assert.equal((await restarts())?.last?.why, 'signal');
  const { stdout } = await fsq(at, ['status']);
  assert.match(stdout, /, 1 child replaced, the last \d+ \S+ ago: killed, and not by its worker\n/);
});

test('fsq status and fsq explain say of a task that computes without a pause that it blocks its process', async (t) => {
  const at = tempProject(t, { 'tasks.js': "import { task } from 'fsq';\ntask('spin', () => { for (;;); });\n" });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);
  const { id } = await send('spin', []);
  await until(
    async () => /^It has run for|blocks|has not answered/.test((await fsq(at, ['explain', id])).stdout),
    'it runs',
  );

  const { stdout: why } = await fsq(at, ['explain', id]);
  const { stdout: status } = await fsq(at, ['status']);

  for (const text of [why, status]) assert.match(text, /Process \d+ has not answered for 1 s or longer/);
});
