/** What a real worker and its children tell through node:diagnostics_channel, each about its own part. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Project, runScript, startWorker, tempProject } from '../support/project.ts';

const OBSERVE = `
import { channel } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
const names = ['fsq:claim', 'fsq:retry', 'fsq:crash', 'fsq:child'];
for (const name of [...names, 'tracing:fsq:run:start', 'tracing:fsq:run:asyncEnd', 'tracing:fsq:enqueue:start'])
  channel(name).subscribe(({ error, ...message }) => {
    const text = JSON.stringify({ name, by: process.pid, ...message, error: error?.message });
    appendFileSync(new URL('./seen.jsonl', import.meta.url), text + '\\n');
  });
`;

const TASKS = `
import { currentJob, task } from 'fsq';
export const add = task('add', (a, b) => a + b);
export const unlucky = task('unlucky', { retries: 1, backoff: '10ms' }, () => {
  if (currentJob().attempt === 1) throw new Error('no luck');
});
export const deadly = task('deadly', () => {
  if (currentJob().attempt === 1) process.exit(3);
});
export const slow = task('slow', { timeLimit: '50ms' }, () => new Promise((resolve) => setTimeout(resolve, 60_000)));
`;

/** One after the other: a process that dies takes outcomes with it that are on their way to the disk. */
const MAIN = `
import { add, deadly, slow, unlucky } from './tasks.mjs';
const ids = [];
for (const send of [() => add.applyAsync([1, 2], { headers: { tenant: 'acme' } }), unlucky.delay, deadly.delay, slow.delay]) {
  const result = await send();
  ids.push(result.id);
  await result.get('20s').catch(() => undefined);
}
console.log(JSON.stringify(ids));
`;

test(
  'calls, claims, runs, retries, crashes and children are told, where they happen',
  { timeout: 60_000 },
  async (t) => {
    const project = tempProject(t, { 'observe.mjs': OBSERVE, 'tasks.mjs': TASKS, 'main.mjs': MAIN });
    const env = { NODE_OPTIONS: `--import ${join(project.path, 'observe.mjs')}` };

    const worker = await startWorker(t, project, ['-c', '1'], { env });
    const program = await runScript(project, 'main.mjs', { env });
    await worker.stop();

    const [add = '', unlucky = '', deadly = '', slow = ''] = JSON.parse(program.stdout) as string[];
    const seen = told(project);
    const of = (name: string, id: string): readonly Told[] =>
      seen.filter((message) => message.name === name && message['id'] === id);
    const children = seen.filter(({ name, kind }) => name === 'fsq:child' && kind === 'ready').map(({ pid }) => pid);
    assert.ok(children.length >= 3, `ready children: ${children.join(', ')}`);
    const isByChild = ({ by }: Told): boolean => children.includes(by);

    const enqueued = seen.filter(({ name }) => name === 'tracing:fsq:enqueue:start');
    assert.deepEqual(
      enqueued.map(({ task, queue, argsList }) => [task, queue, argsList]),
      [
        ['add', 'default', [[1, 2]]],
        ['unlucky', 'default', [[]]],
        ['deadly', 'default', [[]]],
        ['slow', 'default', [[]]],
      ],
    );
    assert.equal(enqueued.some(isByChild), false);

    assert.deepEqual(
      of('tracing:fsq:run:asyncEnd', add).map(({ args, result, headers, attempt }) => [args, result, headers, attempt]),
      [[[1, 2], 3, { tenant: 'acme' }, 1]],
    );
    assert.deepEqual(
      of('fsq:claim', unlucky).map(({ attempt, crashes, priority }) => [attempt, crashes, priority]),
      [
        [1, 0, 5],
        [2, 0, 5],
      ],
    );
    assert.ok(
      [...of('fsq:claim', add), ...of('tracing:fsq:run:start', add), ...of('fsq:retry', unlucky)].every(isByChild),
    );
    assert.deepEqual(
      of('fsq:retry', unlucky).map(({ attempt, error }) => [attempt, error]),
      [[1, 'no luck']],
    );

    // A run that its process does not survive has a beginning only; the worker tells the rest.
    assert.equal(of('tracing:fsq:run:start', deadly).length, 2);
    assert.equal(of('tracing:fsq:run:asyncEnd', deadly).length, 1);
    const crashes = [...of('fsq:crash', deadly), ...of('fsq:crash', slow)];
    assert.deepEqual(
      crashes.map(({ by, task, attempt, cause, next }) => [by, task, attempt, cause, next]),
      [
        [worker.pid, 'deadly', 1, 'crashed', 'rerun'],
        [worker.pid, 'slow', 1, 'timed-out', 'failed'],
      ],
    );
    assert.equal(of('fsq:retry', deadly).length, 1);
    assert.deepEqual(
      seen.flatMap(({ name, kind, cause, code, signal }) =>
        name === 'fsq:child' && kind === 'ended' ? [[cause, code, signal]] : [],
      ),
      [
        ['crashed', 3, null],
        ['over-limit', null, 'SIGKILL'],
        ['parted', 0, null],
      ],
    );
  },
);

type Told = Readonly<Record<string, unknown>> & { readonly name: string; readonly by: number };

function told({ path }: Project): readonly Told[] {
  const file = join(path, 'seen.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines.map((line) => JSON.parse(line) as Told);
}
