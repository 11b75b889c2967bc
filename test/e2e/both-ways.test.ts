/** One executor: a job comes to the same end in a worker and with alwaysEager, whatever its task does. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { run, startWorker, tempProject } from '../support/project.ts';

const TASKS = `
import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob, PermanentError, task } from 'fsq';
const isWorker = process.env.FSQ_ALWAYS_EAGER === undefined;
const aborted = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason.code)));
export const tasks = {
  value: task('value', (a, b = 2) => ({ sum: a + b, none: undefined })),
  nothing: task('nothing', () => undefined),
  thenable: task('thenable', () => ({ then: (resolve) => resolve('later') })),
  date: task('date', () => new Date(0)),
  large: task('large', () => 'x'.repeat(5 * 1024 * 1024)),
  throws: task('throws', () => { throw new RangeError('too far'); }),
  bare: task('bare', () => { throw { message: 'no route', code: 'E_ROUTE' }; }),
  retried: task('retried', { retries: 2, backoff: 1 }, () => { throw new Error('attempt ' + currentJob().attempt); }),
  permanent: task('permanent', { retries: 2, backoff: 1 }, () => { throw new PermanentError('never'); }),
  asked: task('asked', { retries: 1, backoff: 1 }, () => currentJob().attempt === 1 ? currentJob().retry() : 'again'),
  job: task('job', { queue: 'mail' }, () => {
    const { task, attempt, queue, headers, deadline, signal } = currentJob();
    return { task, attempt, queue, headers, deadline, isAborted: signal.aborted };
  }),
  deadline: task('deadline', { timeLimit: '1m' }, () => Math.round((currentJob().deadline - Date.now()) / 10_000)),
  soft: task('soft', { softTimeLimit: 50 }, () => aborted(currentJob().signal)),
  hard: task('hard', { timeLimit: 200 }, () => sleep(10_000)),
  // In a worker without an end: a supervisor that is held up reads that the run has ended, and rightly lets it off.
  busy: task('busy', { timeLimit: 200 }, () => { const end = Date.now() + 600; while (Date.now() < end || isWorker); return 'late'; }),
};
`;

const SEND = `
import { tasks } from './tasks.js';
const ends = {};
for (const [name, task] of Object.entries(tasks)) {
  const result = await task.applyAsync(name === 'value' ? [1] : [], { headers: { from: 'test' } });
  await result.get('20s').catch(() => undefined);
  const { state, record } = await result.info();
  const { value, error } = record.outcome;
  ends[name] = { state, value, error: error && [error.name, error.message, error.code].join(' · '), attempts: record.attempts.length };
}
console.log(JSON.stringify(ends).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'));
process.exit();
`;

test('what a task comes to is the same in a worker and with alwaysEager', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS, 'send.js': SEND });

  const eager = await run(at, process.execPath, ['send.js'], { env: { FSQ_ALWAYS_EAGER: '1' } });
  await startWorker(t, at, ['-c', '1']);
  const worker = await run(at, process.execPath, ['send.js']);

  assert.equal(eager.stderr, '');
  const [here, there] = [eager, worker].map(({ stdout }) => JSON.parse(stdout) as Record<string, { state: string }>);
  assert.deepEqual(here, there);
  assert.equal(here?.['busy']?.state, 'failed', JSON.stringify(here));
  assert.equal(Object.keys(here ?? {}).length, 15);
});
