/**
 * Every system call of every operation fails, once and for good, with each errno that matters: success or an error with a code,
 * nothing accepted that is not there, nothing left that a sweep does not remove, and no run repeated for an error that passes.
 *
 * Here a sample that moves on with the date; `npm run faults` tries every point.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { OPERATIONS } from './ops/catalogue.ts';
import { describe, eachOf, errorPoints, type Point, sample, tryPoint, type Verdict } from './ops/campaign.ts';
import { NO_STRACE } from '../support/strace.ts';

const STRIDE = 1_447;

test('whatever call fails with whatever error: every promise is kept', { skip: NO_STRACE }, async (t) => {
  const all: Point[] = [];
  await eachOf(OPERATIONS, async (operation) => void all.push(...(await errorPoints(operation))));
  const points = sample(
    all.toSorted((a, b) => describe(a).localeCompare(describe(b))),
    STRIDE,
  );
  const verdicts: Verdict[] = [];

  await eachOf(points, async (point) => void verdicts.push(await tryPoint(point)), 4);

  t.diagnostic(`${points.length} of ${all.length} points: every ${STRIDE}th`);
  assert.deepEqual(
    verdicts.flatMap(({ point, violations }) => violations.map((text) => `${describe(point)}: ${text}`)),
    [],
  );
  const hits = verdicts.filter(({ isHit }) => isHit).length;
  assert(hits >= verdicts.length / 2, `only ${hits} of ${verdicts.length} faults came about`);
});
