import assert from 'node:assert/strict';
import test from 'node:test';
import { placed, totalsOf } from '../../../../page/plain/stretches.ts';
import type { JobStretch } from '../../../../src/ui/wire.ts';

const stretch = (part: Partial<JobStretch>): JobStretch => ({
  text: 'ran',
  kind: 'ran',
  end: 'succeeded',
  fromMs: 0,
  toMs: 0,
  ...part,
});

test('stretches take of the bar what they took of the time', () => {
  const all = placed([stretch({ toMs: 250 }), stretch({ fromMs: 250, toMs: 1_000 })], 5_000);

  assert.deepEqual(
    all.map(({ tookMs, part }) => [tookMs, part]),
    [
      [250, 0.25],
      [750, 0.75],
    ],
  );
});

test('a run that goes on takes the time up to now', () => {
  const [run] = placed([stretch({ end: 'runs', fromMs: 1_000, toMs: null })], 5_000);

  assert.equal(run?.tookMs, 4_000);
});

test('what has no known end, or no length, is seen and has no figure', () => {
  const all = placed([stretch({ toMs: 1_000 }), stretch({ end: 'lost', fromMs: 1_000, toMs: null })], 5_000);

  assert.equal(all[1]?.tookMs, null);
  assert.ok((all[1]?.part ?? 0) > 0);
  assert.deepEqual(
    placed([stretch({}), stretch({})], 0).map(({ part }) => part),
    [0.5, 0.5],
  );
});

test('waits and runs are added up, with what goes on just now, and without what is not known', () => {
  const all = placed(
    [
      stretch({ kind: 'waited', end: null, toMs: 300 }),
      stretch({ end: 'failed', fromMs: 300, toMs: 400 }),
      stretch({ end: 'lost', fromMs: 400, toMs: null }),
      stretch({ kind: 'waited', end: null, fromMs: 500, toMs: null }),
    ],
    5_500,
  );

  assert.deepEqual(totalsOf(all), { waitedMs: 5_300, ranMs: 100 });
});

test('runs of which nobody knows how long they took have taken no time that is told', () => {
  const lost = stretch({ end: 'lost', fromMs: 400, toMs: null });

  assert.deepEqual(totalsOf(placed([lost, lost], 5_500)), { waitedMs: 0, ranMs: null });
});
