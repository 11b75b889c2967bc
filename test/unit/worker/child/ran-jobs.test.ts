import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import { isRanJob, type RanJob, ranJob, RanJobs } from '../../../../src/worker/child/ran-jobs.ts';
import { parseFromChild } from '../../../../src/worker/messages.ts';
import { returned, threw } from '../../../support/factory.ts';

const RAN: RanJob = { id: '1', task: 'add', attempt: 2, state: 'succeeded', ms: 3 };

describe('what became of a job', () => {
  const error = { name: 'Error', message: 'no' };
  for (const [state, settlement] of [
    ['succeeded', returned(1)],
    ['failed', threw('no')],
    ['revoked', { kind: 'publish', outcome: { state: 'revoked', error } }],
    ['retried', { kind: 'rerun', delayMs: 10, error, crashes: 0 }],
    ['parked', { kind: 'park', delayMs: 10, parked: { reason: 'unknown', sinceMs: 1 } }],
    [null, { kind: 'requeue' }],
  ] as const)
    test(`by a settlement: ${state ?? 'nothing'}`, () => {
      const claim = { job: { id: '1', task: 'add' }, standing: { attempt: 2 } };

      assert.deepEqual(ranJob(claim, settlement as Settlement, 3), state === null ? null : { ...RAN, state });
    });
});

test('runs are told in one parcel, in the next turn of the event loop, or when somebody asks', async () => {
  const sent: (readonly RanJob[])[] = [];
  const runs = new RanJobs((parcel) => sent.push(parcel));
  const other = { ...RAN, id: '2' };

  runs.add(RAN);
  runs.add(other);
  assert.deepEqual(sent, []);
  await turn();
  runs.add(other);
  runs.flush();
  await turn();

  assert.deepEqual(sent, [[RAN, other], [other]]);
});

test('a run that did not go well is told at once, with those before it', () => {
  const sent: (readonly RanJob[])[] = [];
  const runs = new RanJobs((parcel) => sent.push(parcel));
  const failed: RanJob = { ...RAN, id: '2', state: 'failed' };

  runs.add(RAN);
  runs.add(failed);

  assert.deepEqual(sent, [[RAN, failed]]);
});

test('a message of runs is taken without what is none', () => {
  const bad = [
    null,
    1,
    {},
    { ...RAN, id: 1 },
    { ...RAN, state: 'lost' },
    { ...RAN, ms: '3' },
    { ...RAN, attempt: undefined },
  ];

  assert.deepEqual(parseFromChild({ type: 'ran', runs: [...bad, RAN] }), { type: 'ran', runs: [RAN] });
  assert.deepEqual(parseFromChild({ type: 'ran', runs: 'x' }), { type: 'ran', runs: [] });
  assert.ok(!bad.some(isRanJob));
});
