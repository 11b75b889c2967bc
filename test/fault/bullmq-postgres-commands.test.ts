/**
 * SIGKILL, or a cut connection, before each statement that an operation sends to PostgreSQL, and after it was done, before the answer; then a
 * fresh worker: every promise is kept. The operations, and what is promised of them, are those of bullmq-commands.test.ts.
 *
 * Here a sample. With BULLMQ_FAULTS='' every point is tried, with BULLMQ_FAULTS=revoke every one of the operations whose names have that word;
 * BULLMQ_FAULTS_EVERY=10 takes every tenth of those.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { lacksPostgres } from '../support/postgres-server.ts';
import { describe, type Point, pointsOf, tryPoint, type Verdict } from './commands/campaign.ts';
import { OPERATIONS } from './commands/catalogue.ts';
import { POSTGRES } from './commands/postgres-place.ts';
import { eachOf, sample } from './ops/campaign.ts';

/** Of the operations, and of the points of those. */
const OPERATION_STRIDE = 6;
const STRIDE = 17;
const AT_ONCE = 4;

/** Null: a sample. */
const wanted = process.env['BULLMQ_FAULTS'] ?? null;
/** Of those. */
const EVERY = Number(process.env['BULLMQ_FAULTS_EVERY'] ?? 1);

test(
  'struck at any statement of any operation on PostgreSQL: nothing lost, doubled, run again or left',
  { skip: lacksPostgres },
  async (t) => {
    const operations =
      wanted === null ? sample(OPERATIONS, OPERATION_STRIDE) : OPERATIONS.filter(({ name }) => name.includes(wanted));
    const all: Point[] = [];
    await eachOf(operations, async (operation) => void all.push(...(await pointsOf(POSTGRES, operation))), AT_ONCE);
    all.sort((a, b) => describe(a).localeCompare(describe(b)));
    const points = wanted === null ? sample(all, STRIDE) : all.filter((_, i) => i % EVERY === 0);
    const verdicts: Verdict[] = [];

    await eachOf(points, async (point) => void verdicts.push(await tryPoint(POSTGRES, point)), AT_ONCE);

    t.diagnostic(`${points.length} of ${all.length} points of ${operations.length} operations`);
    const broken = verdicts.flatMap(({ point, violations }) => violations.map((text) => `${describe(point)}: ${text}`));
    assert.deepEqual(broken, []);
    // A statement that depends on timing may not come; most do, or nothing was proved.
    const hits = verdicts.filter(({ isHit }) => isHit).length;
    assert.ok(hits >= verdicts.length / 2, `only ${hits} of ${verdicts.length} faults came about`);
  },
);
