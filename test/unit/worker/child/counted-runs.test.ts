import assert from 'node:assert/strict';
import test from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import type { Figures, RunFigures } from '../../../../src/broker/statistics.ts';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import { CountedRuns, figuresOf, figuresOfEnded } from '../../../../src/worker/child/counted-runs.ts';
import { parseFromChild } from '../../../../src/worker/messages.ts';
import { job, type JobParts } from '../../../support/factory.ts';

const DONE: Settlement = { kind: 'publish', outcome: { state: 'succeeded', value: undefined } };
const FAILED: Settlement = { kind: 'publish', outcome: { state: 'failed', error: { name: 'Error', message: 'x' } } };
const AGAIN: Settlement = { kind: 'rerun', delayMs: 1, crashes: 0, error: { name: 'Error', message: 'x' } };
const RAN = { startedAtMs: 5_000, ms: 30, isBegun: true };

function claimOf(parts: JobParts = {}, attempt = 1): Parameters<typeof figuresOf>[0] {
  const { job: made, queue, priority } = job({ enqueuedAtMs: 4_000, ...parts });
  return { job: made, standing: { queue, priority, attempt, crashes: 0 } };
}

test('a first run tells how long its job waited since it was sent, or since its time came', () => {
  assert.deepEqual(figuresOf(claimOf(), DONE, RAN), {
    queue: 'default',
    task: 'echo',
    how: 'succeeded',
    waitMs: 1_000,
    runMs: 30,
  });
  assert.equal(figuresOf(claimOf({ options: { etaMs: 4_900 } }), DONE, RAN)?.waitMs, 100);
});

test('how long a job waited is not told where no file tells it: of a later run, and after other jobs', () => {
  const after = '01a2025d-adaa-7000-bfac-dd787a748d6d';

  assert.equal(figuresOf(claimOf({}, 2), DONE, RAN)?.waitMs, null);
  assert.equal(figuresOf(claimOf({ options: { after } }), DONE, RAN)?.waitMs, null);
});

test('a run is counted as how it ended, and a job without a run has no times', () => {
  assert.equal(figuresOf(claimOf(), FAILED, RAN)?.how, 'failed');
  assert.equal(figuresOf(claimOf(), AGAIN, RAN)?.how, 'retried');
  const late = figuresOf(claimOf(), FAILED, { ...RAN, isBegun: false });
  assert.deepEqual([late?.waitMs, late?.runMs], [null, null]);
  assert.equal(figuresOf(claimOf(), { kind: 'requeue' }, RAN), null);
});

test('a job that a recovery ends or sends back counts, and so does one that others kept from running', () => {
  const { job: made, standing } = claimOf({}, 3);
  const recovered = { kind: 'recovered', job: made, standing, owner: '', ending: 'crashed', ranMs: 1_200 } as const;
  const of = (event: BrokerEvent): RunFigures['how'] | undefined => figuresOfEnded(event)?.how;

  assert.equal(of({ ...recovered, settlement: AGAIN }), 'retried');
  assert.equal(of({ ...recovered, settlement: FAILED }), 'failed');
  for (const settlement of [AGAIN, FAILED]) assert.equal(figuresOfEnded({ ...recovered, settlement })?.runMs, 1_200);
  assert.equal(figuresOfEnded({ ...recovered, settlement: FAILED, ranMs: null })?.runMs, null);
  assert.equal(of({ ...recovered, settlement: { kind: 'requeue' } }), undefined);
  assert.equal(of({ kind: 'not-run', job: made, standing, outcome: { state: 'revoked', error: FAILURE } }), 'revoked');
  assert.equal(of({ kind: 'disk-wait-over' }), undefined);
});

const FAILURE = { name: 'Error', message: 'x' };

test('a child tells the first run after a pause at once, and all others once a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: Figures[] = [];
  const counted = new CountedRuns((figures) => told.push(figures));
  const run = figuresOf(claimOf(), DONE, RAN) ?? assert.fail();

  counted.add(run);
  t.mock.timers.tick(0);
  for (let i = 0; i < 10_000; i++) counted.add(run);
  t.mock.timers.tick(1_000);
  counted.add(run);
  counted.flush();
  counted.flush();

  assert.deepEqual(
    told.map(({ tasks }) => tasks.map(({ ended }) => ended.succeeded)),
    [[1], [10_000], [1]],
  );
});

test('what a child tells survives the channel, and anything else is no message', () => {
  const told: unknown[] = [];
  const counted = new CountedRuns((figures) => told.push(figures));
  counted.add(figuresOf(claimOf(), DONE, RAN) ?? assert.fail());
  counted.flush();
  const message = { type: 'counted', figures: JSON.parse(JSON.stringify(told[0])) as unknown };

  assert.deepEqual(parseFromChild(message), { type: 'counted', figures: told[0] });
  for (const figures of [null, 5, {}, { tasks: [5], crashes: {}, restarts: 0 }])
    assert.equal(parseFromChild({ type: 'counted', figures }), null);
});
