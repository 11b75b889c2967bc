/**
 * SIGKILL before every system call of every operation, then a fresh worker: every promise is kept.
 *
 * Here a sample that moves on with the date; `npm run faults` tries every point.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { OPERATIONS } from './ops/catalogue.ts';
import {
  describe,
  eachOf,
  killPoints,
  type Point,
  sample,
  secondKills,
  tryPoint,
  tryTwoKills,
  type Verdict,
} from './ops/campaign.ts';
import { NO_STRACE } from '../support/strace.ts';

const STRIDE = 97;
const SECOND_STRIDE = 89;

test(
  'killed before any call of any operation: nothing lost, doubled, run again or left',
  { skip: NO_STRACE },
  async (t) => {
    const all: Point[] = [];
    await eachOf(OPERATIONS, async (operation) => void all.push(...(await killPoints(operation))));
    const points = sample(
      all.toSorted((a, b) => describe(a).localeCompare(describe(b))),
      STRIDE,
    );
    const verdicts: Verdict[] = [];

    await eachOf(points, async (point) => void verdicts.push(await tryPoint(point)));

    t.diagnostic(`${points.length} of ${all.length} points: every ${STRIDE}th`);
    assertKept(verdicts);
  },
);

test(
  'a recoverer killed while it recovers from a kill: the third process finds everything',
  { skip: NO_STRACE },
  async (t) => {
    const operation = operationNamed('recover');
    const first = { name: 'rename', nth: 4, effect: 'SIGKILL', isForGood: false };
    const all = await secondKills(operation, first);
    const points = sample(all, SECOND_STRIDE);
    const verdicts: Verdict[] = [];

    await eachOf(points, async (point) => void verdicts.push(await tryTwoKills(point)));

    t.diagnostic(`${points.length} of ${all.length} points: every ${SECOND_STRIDE}th`);
    assertKept(verdicts);
  },
);

function operationNamed(name: string): (typeof OPERATIONS)[number] {
  const found = OPERATIONS.find((operation) => operation.name === name);
  assert(found !== undefined, `there is no operation ${name}`);
  return found;
}

function assertKept(verdicts: readonly Verdict[]): void {
  const broken = verdicts.flatMap(({ point, violations }) => violations.map((text) => `${describe(point)}: ${text}`));
  assert.deepEqual(broken, []);
  // A call that depends on timing may not come; most do, or nothing was proved.
  const hits = verdicts.filter(({ isHit }) => isHit).length;
  assert(hits >= verdicts.length / 2, `only ${hits} of ${verdicts.length} faults came about`);
}
