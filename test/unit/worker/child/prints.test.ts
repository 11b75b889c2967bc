/** Whose print it is: that of the run at hand, wherever in it, and of no other. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, execSync, spawnSync } from 'node:child_process';
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
  run(name: string, attempt?: number): { within<T>(act: () => T): T; claim: Claim; end(): void };
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
    run: (name, attempt = 1) => {
      const { job: record, queue, priority } = job({ task: name });
      const standing = { queue, priority, attempt, crashes: 0 };
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
  prints.end(one.claim);
  prints.hear('stdout', 'after');

  assert.deepEqual(printed, ['one: in it', 'one: in a callback of a pool']);
});

test('what an ended run has left behind prints for nobody while another runs', () => {
  const { prints, printed, run } = sceneOf();
  const [one, two] = [run('one'), run('two')];

  prints.begin(one.claim);
  const leftBehind = one.within(() => (): void => one.within(() => prints.hear('stdout', 'late')));
  one.end();
  prints.end(one.claim);
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
  assert.equal(prints.end(quiet.claim), undefined);
  await start();
  prints.begin(loud.claim);
  await Promise.all([start(), start()]);
  await prints.end(loud.claim);
  prints.begin(quiet.claim);
  assert.equal(prints.end(quiet.claim), undefined);

  assert.deepEqual(told, ['begun 1', 'ended']);
});

for (const [name, start] of [
  ['spawnSync', () => spawnSync('true')],
  ['execFileSync', () => execFileSync('true')],
  ['execSync', () => execSync('true')],
] as const)
  test(`a run is told before ${name} lets nothing else have its turn`, async () => {
    const { prints, told, run } = sceneOf();
    const one = run('one');
    prints.listen();

    prints.begin(one.claim);
    start();
    await prints.end(one.claim);

    assert.deepEqual(told, ['begun 1', 'ended']);
  });

test('programs are started by the same functions as ever, by their looks', () => {
  const { prints } = sceneOf();
  const { name, length } = execFileSync;

  prints.listen();

  assert.deepEqual([execFileSync.name, execFileSync.length], [name, length]);
  assert.throws(() => execFileSync('/nowhere'), { code: 'ENOENT', syscall: 'spawnSync /nowhere' });
});

test('where the worker asks for it each run is told, the one at hand, too', async () => {
  const { prints, told, run } = sceneOf();

  const [one, two] = [run('one'), run('two')];

  prints.begin(one.claim);
  prints.tellAll();
  await prints.end(one.claim);
  prints.begin(two.claim);
  await prints.end(two.claim);

  assert.deepEqual(told, ['begun 1', 'ended', 'begun 1', 'ended']);
});

test('of several runs at once each prints for its own job, and what has lost its context prints for nobody', () => {
  const { prints, printed, run } = sceneOf();
  const [one, two] = [run('one'), run('two')];

  prints.begin(one.claim);
  prints.begin(two.claim);
  one.within(() => prints.hear('stdout', 'a'));
  two.within(() => prints.hear('stdout', 'b'));
  prints.hear('stdout', 'lost');
  prints.end(two.claim);
  one.within(() => prints.hear('stdout', 'c'));
  prints.hear('stdout', 'd');

  assert.deepEqual(printed, ['one: a', 'two: b', 'one: c', 'one: d']);
});

test('processes print for the run that began last, and for the one before it when that has ended', async () => {
  const { prints, told, run } = sceneOf();
  const [one, two] = [run('one', 1), run('two', 2)];

  prints.begin(one.claim);
  prints.tellAll();
  await prints.begin(two.claim);
  await prints.end(two.claim);
  await prints.end(one.claim);

  assert.deepEqual(told, ['begun 1', 'ended', 'begun 2', 'ended', 'begun 1', 'ended']);
});

test('a run that goes on while another waits is told again when it starts a process, and the end of each is waited for', async () => {
  const { prints, told, run } = sceneOf();
  const [one, two] = [run('one', 1), run('two', 2)];
  prints.listen();
  const start = (): unknown => spawnSync('true');

  prints.begin(one.claim);
  one.within(start);
  await prints.begin(two.claim);
  two.within(start);
  one.within(start);
  await prints.end(two.claim);
  await prints.end(one.claim);

  assert.deepEqual(told, ['begun 1', 'ended', 'begun 2', 'begun 1', 'ended', 'begun 1', 'ended']);
});

test('where the functions that start programs are frozen, a child works all the same', () => {
  const url = new URL('../../../../src/worker/child/prints.ts', import.meta.url).href;
  const code = `
    import programs from 'node:child_process';
    Object.freeze(programs);
    const { Prints } = await import(${JSON.stringify(url)});
    new Prints({ begun: () => undefined, ended: () => undefined }).listen();
    process.stdout.write(programs.execFileSync('echo', ['works']));`;
  const register = new URL('../../../../scripts/strip-types/register.mjs', import.meta.url).href;

  const { stdout, stderr } = spawnSync(process.execPath, ['--import', register, '--input-type=module', '-e', code]);

  assert.deepEqual([String(stdout), String(stderr)], ['works\n', '']);
});
