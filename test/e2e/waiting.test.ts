/** Tasks that wait for other jobs, by the real worker with one child: they lend their slot, and a loop is named. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { chain, currentJob, group, result, task } from 'fsq';
const say = (line) => appendFileSync('journal.txt', line + '\\n');
export const nested = task('nested', async (n) => {
  console.log('level', n);
  return n === 0 ? 1 : 1 + (await (await nested.delay(n - 1)).get());
});
export const apart = task('apart', async (n) => (n === 0 ? 1 : 1 + (await (await apart.applyAsync([n - 1], { priority: 8, queue: 'q' + (n % 3) })).get())));
export const number = task('number', async (n) => { await wait(1); return n; });
export const sums = task('sums', async (n) => {
  const all = await number.delayMany(Array.from({ length: n }, (_, i) => [i]));
  return (await all.get()).reduce((a, b) => a + b, 0);
});
export const races = task('races', async (n) => {
  const all = await Promise.all(Array.from({ length: n }, (_, i) => number.delay(i)));
  return (await Promise.all(all.map((one) => one.get()))).length;
});
export const hears = task('hears', async () => {
  const kinds = [];
  for await (const { kind } of (await number.delay(1)).events()) kinds.push(kind);
  return kinds.at(-1);
});
export const heard = task('heard', async () => {
  const kinds = [];
  for await (const { kind } of (await number.delayMany([[1], [2]])).events()) kinds.push(kind);
  return kinds.filter((kind) => kind === 'succeeded').length;
});
export const follows = task('follows', async () => {
  const lines = [];
  for await (const { text } of (await nested.delay(0)).logs({ follow: true })) lines.push(text);
  return lines;
});
export const retried = task('retried', { retries: 2, backoff: 50 }, async () => {
  if (currentJob().attempt < 3) throw new Error('not yet');
  return currentJob().attempt;
});
export const hopes = task('hopes', async () => (await retried.delay()).get());
export const slow = task('slow', { timeLimit: '700ms' }, async () => (await hold.delay('never')).get());
export const hold = task('hold', async (gate) => { say('begin'); while (!existsSync(gate)) await wait(5); return gate; });
export const parent = task('parent', async (gate) => { say('parent'); return (await hold.delay(gate)).get(); });
export const itself = task('itself', () => result(currentJob().id).get());
export const back = task('back', async (id) => result(id).get());
export const pair = task('pair', async () => (await back.delay(currentJob().id)).get());
export const third = task('third', async (id) => (await back.delay(id)).get());
export const three = task('three', async () => (await third.delay(currentJob().id)).get());
export const after = task('after', async () => {
  const { id } = currentJob();
  return (await number.applyAsync([1], { after: result(id) })).get();
});
export const patient = task('patient', async () => (await back.delay(currentJob().id)).get('500ms'));
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

function journal(at: Project): readonly string[] {
  const path = join(at.path, 'journal.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

describe('with one child and one slot no task waits for ever for a job that only this child would run:', () => {
  const cases: readonly [what: string, task: string, args: readonly unknown[], value: unknown][] = [
    ['fifty jobs, each waiting for the next', 'nested', [50], 51],
    ['the same in several queues, with another priority', 'apart', [20], 21],
    ['a job that waits for a hundred, one after the other', 'sums', [100], 4_950],
    ['for a hundred at once', 'races', [100], 100],
    ['one that listens to the events of another', 'hears', [], 'succeeded'],
    ['one that listens to those of a group', 'heard', [], 2],
    ['one that follows the log of another', 'follows', [], ['level 0']],
    ['one whose job is tried again', 'hopes', [], 3],
  ];
  for (const [what, task, args, value] of cases) {
    test(what, async (t) => {
      const at = project(t);
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1']);

      const result = await send(task, args);

      assert.deepEqual(await result.get('40s'), value);
      await worker.stop();
      const sighting = await result.info();
      assert.deepEqual([sighting?.standing.attempt, sighting?.standing.crashes], [1, 0]);
      assertAtRest(at.spool, {
        results: (await fsq(at, ['ls', '--json', '-n', '1000'])).stdout.split('"id"').length - 1,
      });
    });
  }
});

test('a drain lets a job go on that waits for another', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const waits = await send('parent', ['gate']);
  await until(() => journal(at).includes('begin'), 'the job that is waited for begins');

  worker.kill('SIGTERM');
  await worker.printed(/finishing the jobs at hand/);
  appendFileSync(join(at.path, 'gate'), '');
  const { code } = await worker.ended;

  assert.equal(code, 0);
  assert.equal(await waits.get('1s'), 'gate');
});

test('a drain, and a child that is replaced, go on with jobs that are begun only then', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--max-tasks-per-child', '1']);
  const nested = await send('nested', [20]);

  assert.equal(await nested.get('40s'), 21);
  const hopes = await send('hopes', []);
  assert.equal(await hopes.get('40s'), 3);
  const { code } = await worker.stop();
  assert.equal(code, 0);
});

test('a time limit goes on counting while a job waits', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const slow = await send('slow', []);

  await assert.rejects(slow.get('20s'), { code: 'FSQ_TIME_LIMIT' });
});

test('what prints is told apart where a job waits for another, of programs too', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const result = await send('nested', [3]);
  await result.get('20s');

  const texts: string[] = [];
  for await (const { text } of result.logs()) texts.push(text);
  assert.deepEqual(texts, ['level 3']);
});

describe('jobs that wait for one another are found and named:', () => {
  const cases: readonly [what: string, task: string, jobs: number][] = [
    ['a job that waits for itself', 'itself', 1],
    ['two that wait for each other', 'pair', 2],
    ['three in a loop', 'three', 3],
    ['one that waits for a job that is to begin after it', 'after', 2],
  ];
  for (const [what, task, jobs] of cases) {
    for (const workers of [1, 2])
      test(`${what}, with ${workers === 1 ? 'one worker' : 'two workers'}`, async (t) => {
        const at = project(t);
        const { send } = sender(t, at);
        for (let i = 0; i < workers; i++) await startWorker(t, at, ['-c', '1']);

        const result = await send(task, []);
        const error = await result.get('30s').then(
          () => assert.fail('it has a value'),
          (reason: unknown) => reason,
        );

        assert.ok(error instanceof Error);
        assert.match(error.message, jobs === 1 ? /waits for itself/ : /waits for job .*, which waits for job /);
        assert.ok(error.message.includes(result.id), error.message);
        assert.equal(new Set(error.message.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g)).size, jobs);
      });
  }

  test('a wait with a timeout ends by that', async (t) => {
    const at = project(t);
    const { send } = sender(t, at);
    await startWorker(t, at, ['-c', '1']);

    const patient = await send('patient', []);

    await assert.rejects(patient.get('20s'), /had no outcome after 500 ms/);
  });
});

test('while it waits for long, `fsq show` tells for what', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);
  const waits = await send('parent', ['gate']);

  const shown = await until(async () => {
    const { stdout } = await fsq(at, ['show', waits.id]);
    return /waits for +([0-9a-f-]{36})/.exec(stdout);
  }, 'it is shown');
  appendFileSync(join(at.path, 'gate'), '');

  const { stdout } = await fsq(at, ['show', shown[1] ?? '']);
  assert.match(stdout, /task +hold/);
  assert.equal(await waits.get('20s'), 'gate');
  assert.equal((await waits.info())?.awaits, undefined);
});
