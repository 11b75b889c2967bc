/** Whose print it is: that of the run at hand, wherever in it, and of no other. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { Run, RunningJob } from '../../../../src/app/current-job.ts';
import { registry } from '../../../../src/app/registry.ts';
import type { Claim } from '../../../../src/broker/worker-side.ts';
import { Prints } from '../../../../src/worker/child/prints.ts';
import { job, NOTHING_BESIDE } from '../../../support/factory.ts';

interface Scene {
  readonly prints: Prints;
  readonly printed: string[];
  readonly told: string[];
  /** A run of a job: code that is called within it, and its end. */
  run(name: string): { within<T>(act: () => T): T; claim: Claim; end(): void };
}

function sceneOf(): Scene {
  const printed: string[] = [];
  const told: string[] = [];
  const prints = new Prints({
    begun: ({ attempt }) => told.push(`begun ${attempt}`),
    ended: () => {
      told.push('ended');
      return Promise.resolve();
    },
  });
  return {
    prints,
    printed,
    told,
    run: (name) => {
      const { job: record, queue, priority } = job({ task: name });
      const standing = { queue, priority, attempt: 1, crashes: 0 };
      const run = new Run(null);
      const print = (_: unknown, text: unknown): unknown => printed.push(`${name}: ${String(text)}`);
      const claim = { job: record, standing, attempts: [], ...NOTHING_BESIDE, print, settle: () => undefined };
      const current = new RunningJob(record, standing, run);
      return { within: (act) => registry().current.run(current, act), claim: claim as Claim, end: () => run.end() };
    },
  };
}

test('it is that of the run at hand, also where its context is lost, and nobody prints between runs', () => {
  const { prints, printed, run } = sceneOf();
  const one = run('one');

  prints.hear('stdout', 'before');
  prints.begin(one.claim);
  one.within(() => prints.hear('stdout', 'in it'));
  prints.hear('stdout', 'in a callback of a pool');
  prints.end();
  prints.hear('stdout', 'after');

  assert.deepEqual(printed, ['one: in it', 'one: in a callback of a pool']);
});

test('what an ended run has left behind prints for nobody while another runs', () => {
  const { prints, printed, run } = sceneOf();
  const [one, two] = [run('one'), run('two')];

  prints.begin(one.claim);
  const leftBehind = one.within(() => (): void => one.within(() => prints.hear('stdout', 'late')));
  one.end();
  prints.end();
  prints.begin(two.claim);
  leftBehind();
  two.within(() => prints.hear('stdout', 'in time'));

  assert.deepEqual(printed, ['two: in time']);
});

test('a run is told when its first process starts, and its end is waited for; other runs are not', async () => {
  const { prints, told, run } = sceneOf();
  const quiet = run('quiet');
  const loud = run('loud');
  prints.listen();
  const start = (): Promise<unknown> => new Promise((resolve) => execFile('true', resolve));

  prints.begin(quiet.claim);
  assert.equal(prints.end(), undefined);
  await start();
  prints.begin(loud.claim);
  await Promise.all([start(), start()]);
  await prints.end();
  prints.begin(quiet.claim);
  assert.equal(prints.end(), undefined);

  assert.deepEqual(told, ['begun 1', 'ended']);
});

test('where the worker asks for it each run is told, the one at hand, too', async () => {
  const { prints, told, run } = sceneOf();

  prints.begin(run('one').claim);
  prints.tellAll();
  await prints.end();
  prints.begin(run('two').claim);
  await prints.end();

  assert.deepEqual(told, ['begun 1', 'ended', 'begun 1', 'ended']);
});
