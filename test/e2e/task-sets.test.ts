/** Two workers that know different tasks and share a queue. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAtRest } from '../support/at-rest.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const JOBS = 100;
/** A job that was parked once waits for a second at least, and each time for as long as it is old. */
const SOON = '20s';

const tasks = (name: string): string => `
import { task } from 'fsq';
export const ${name} = task('${name}', async (n) => '${name} ' + n);
`;

test('each worker takes the jobs that it knows and leaves the others, however many come and go', async (t) => {
  const at = tempProject(t, { 'left.js': tasks('left'), 'right.js': tasks('right') });
  const { send } = sender(t, at);
  const [left, right] = [
    await startWorker(t, at, ['--tasks', 'left.js', '-c', '2']),
    await startWorker(t, at, ['--tasks', 'right.js', '-c', '1']),
  ];

  const results = [];
  for (let n = 0; n < JOBS; n++) results.push(await send(n % 2 === 0 ? 'left' : 'right', [n]));
  const values = await Promise.all(results.map((result) => result.get(SOON)));

  assert.deepEqual(
    values,
    Array.from({ length: JOBS }, (_, n) => `${n % 2 === 0 ? 'left' : 'right'} ${n}`),
  );
  await left.stop();
  await right.stop();
  assertAtRest(at.spool, { results: JOBS });
});

test('what one worker has parked runs as soon as another comes that knows it', async (t) => {
  const at = tempProject(t, { 'left.js': tasks('left'), 'right.js': tasks('right') });
  const { app } = sender(t, at);
  const left = await startWorker(t, at, ['--tasks', 'left.js', '-c', '2']);
  // It has waited for long, so that it is looked at again only after a minute.
  const [id = ''] = await pendingJobs(at.spool, { task: 'right', args: [1], enqueuedAtMs: Date.now() - 3_600_000 });
  await left.printed(/is parked/);

  const right = await startWorker(t, at, ['--tasks', 'right.js', '-c', '1']);

  assert.equal(await app.result(id).get('20s'), 'right 1');
  await left.stop();
  await right.stop();
});
