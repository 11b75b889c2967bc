/** Tasks whose errors and promises are not those of the process that runs them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskError } from 'fsq';
import { assertInvariants } from '../support/invariants.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import vm from 'node:vm';
import { currentJob, task } from 'fsq';
export const foreign = task('foreign', { retries: 1, backoff: 1, retryOn: Error }, () => {
  vm.runInNewContext("throw Object.assign(new RangeError('too far'), { code: 'E_FAR' })");
});
export const bare = task('bare', () => { throw { message: 'no route', code: 'E_ROUTE' }; });
export const any = task('any', () => Promise.any([Promise.reject(new Error('left')), Promise.reject(new TypeError('right'))]));
`;

const OTHER_PROMISE = `
globalThis.Promise = class Other extends Promise {};
const { task } = await import('fsq');
export const later = task('later', async (value) => { await null; return value; });
export const fails = task('fails', async () => { await null; throw new Error('x'); });
`;

test('errors of another realm, objects with a message and AggregateErrors come back whole', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const foreign = await send('foreign', [], { retries: 1, backoff: 1 });
  const error = await failure(foreign.get('20s'));
  assert.deepEqual([error.remoteName, error.message, error.remoteCode], ['RangeError', 'too far', 'E_FAR']);
  assert.match(error.remoteStack ?? '', /^RangeError: too far\n/m);
  assert.equal(error.attempts, 2, 'retryOn: Error holds for the Error of every realm');

  const bare = await failure((await send('bare', [])).get('20s'));
  assert.deepEqual([bare.remoteName, bare.message, bare.remoteCode], ['NonError', 'no route', 'E_ROUTE']);

  const any = await send('any', []);
  const { remoteErrors } = await failure(any.get('20s'));
  assert.deepEqual(
    remoteErrors?.map(({ name, message }) => `${name}: ${message}`),
    ['Error: left', 'TypeError: right'],
  );
  const shown = await fsq(at, ['show', any.id]);
  assert.match(shown.stdout, /errors\[0\] +Error: left\n(.*\n)+errors\[1\] +TypeError: right\n/);
  await assertInvariants(at.spool);
});

test('a task module that replaces globalThis.Promise loses no job', async (t) => {
  const at = tempProject(t, { 'tasks.js': OTHER_PROMISE });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '2']);

  const good = await Promise.all([1, 2, 3, 4, 5].map((value) => send('later', [value])));
  const bad = await send('fails', []);

  assert.deepEqual(await Promise.all(good.map((result) => result.get('20s'))), [1, 2, 3, 4, 5]);
  assert.equal((await failure(bad.get('20s'))).attempts, 1);
  await assertInvariants(at.spool);
});

async function failure(waiting: Promise<unknown>): Promise<TaskError> {
  const error = await waiting.then(
    () => new Error('the job succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TaskError, String(error));
  return error;
}
