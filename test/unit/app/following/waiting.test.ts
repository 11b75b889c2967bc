/** Waits of a task: a loop of jobs that wait for one another is found, by what each has told, and nothing else is taken for one. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Broker, Sighting } from '../../../../src/broker/broker.ts';
import { Run, RunningJob } from '../../../../src/app/current-job.ts';
import { registry } from '../../../../src/app/registry.ts';
import { CycleError, outcomeOf } from '../../../../src/app/following/waiting.ts';
import { jobRecord, NOTHING_BESIDE } from '../../../support/factory.ts';

type Source = Pick<Broker, 'outcome' | 'waitForOutcome' | 'find'>;

/** What is known of each job but 'self': for which it waits, or after which it is to begin. */
type Jobs = Readonly<Record<string, Pick<Sighting, 'awaits'> & { readonly after?: string }>>;

function sourceOf(jobs: Jobs): Source {
  return {
    outcome: async () => null,
    find: async (id) => {
      const found = jobs[id];
      if (found === undefined) return null;
      const { after, awaits } = found;
      const record = { job: jobRecord({ options: after === undefined ? {} : { after } }) };
      return { id, state: after === undefined ? 'running' : 'delayed', dueAtMs: null, record, awaits } as Sighting;
    },
    waitForOutcome: (_id, signal) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(null), { once: true })),
  };
}

interface Scene {
  readonly told: string[][];
  /** Waits for a job in the task of job 'self'. */
  wait(source: Source, id: string, signal?: AbortSignal): Promise<unknown>;
  tick(): Promise<void>;
}

function sceneOf(t: TestContext): Scene {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[][] = [];
  const beside = { ...NOTHING_BESIDE, waitsFor: (ids: readonly string[]) => void told.push([...ids]) };
  const self = new RunningJob(
    { id: 'self', task: 'x', headers: {} },
    { attempt: 1, queue: 'q' },
    new Run(null, beside),
  );
  return {
    told,
    wait: (source, id, signal) => registry().current.run(self, () => outcomeOf(source, id, signal ?? null, true)),
    tick: async () => {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      t.mock.timers.tick(1_000);
      for (let i = 0; i < 200; i++) await Promise.resolve();
    },
  };
}

const loops: readonly [what: string, jobs: Jobs, ids: readonly string[]][] = [
  ['one job that waits for this one', { a: { awaits: ['self'] } }, ['self', 'a']],
  [
    'several, in turn',
    { a: { awaits: ['b'] }, b: { awaits: ['c'] }, c: { awaits: ['self'] } },
    ['self', 'a', 'b', 'c'],
  ],
  ['one of those that a job waits for', { a: { awaits: ['x', 'b'] }, b: { awaits: ['self'] } }, ['self', 'a', 'b']],
  ['a job that is to begin after this one', { a: { after: 'self' } }, ['self', 'a']],
];

for (const [what, jobs, ids] of loops)
  test(`a loop is found over ${what}`, async (t) => {
    const { wait, tick, told } = sceneOf(t);

    const waiting = wait(sourceOf(jobs), 'a').then(
      () => null,
      (error: unknown) => error,
    );
    await tick();
    const error = await waiting;

    assert.ok(error instanceof CycleError);
    assert.deepEqual([error.code, error.ids], ['FSQ_CYCLE', ids]);
    assert.deepEqual(told, [['a'], []]);
  });

test('a job that waits for itself is told so at once', async (t) => {
  const { wait } = sceneOf(t);
  t.mock.timers.reset();

  await assert.rejects(wait(sourceOf({}), 'self'), /Job self waits for itself: none of them can ever end/);
});

const ends: readonly [what: string, jobs: Jobs][] = [
  ['a job that waits for nothing', { a: {} }],
  ['one that waits for others', { a: { awaits: ['b'] }, b: {} }],
  ['a loop of others', { a: { awaits: ['b'] }, b: { awaits: ['a'] } }],
  ['a job that is nowhere', {}],
];

for (const [what, jobs] of ends)
  test(`no loop is found over ${what}`, async (t) => {
    const { wait, tick } = sceneOf(t);
    let hasEnded = false;
    const end = (): void => void (hasEnded = true);

    void wait(sourceOf(jobs), 'a').then(end, end);
    await tick();

    assert.equal(hasEnded, false);
  });

test('a wait that has an end of its own is neither told nor followed', async (t) => {
  const { wait, tick, told } = sceneOf(t);
  const end = new AbortController();

  const waiting = wait(sourceOf({ a: { awaits: ['self'] } }), 'a', end.signal);
  await tick();
  end.abort();

  assert.equal(await waiting, null);
  assert.deepEqual(told, []);
});
