/**
 * SIGKILL, or a cut connection, before each command that an operation sends to Redis, and before each answer; then a fresh worker: every
 * promise is kept.
 *
 * Here a sample that moves on with the date. With BULLMQ_FAULTS='' every point is tried, with BULLMQ_FAULTS=revoke every one of the operations
 * whose names have that word; BULLMQ_FAULTS_EVERY=10 takes every tenth of those.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { lacksRedis } from '../support/redis-server.ts';
import { describe, type Point, pointsOf, tryPoint, type Verdict } from './commands/campaign.ts';
import { OPERATIONS } from './commands/catalogue.ts';
import { REDIS } from './commands/redis-place.ts';
import { eachOf, sample } from './ops/campaign.ts';

/** Of the operations, and of the points of those. */
const OPERATION_STRIDE = 3;
const STRIDE = 29;
const AT_ONCE = 5;

/** Null: a sample. */
const wanted = process.env['BULLMQ_FAULTS'] ?? null;
/** Of those. */
const EVERY = Number(process.env['BULLMQ_FAULTS_EVERY'] ?? 1);

/** What the sample must not leave out: each has gone wrong, or would cost most. */
const ALWAYS = [
  { operation: 'claim and succeed', command: / Move next job/, at: 'before the reply', isDeadly: false },
  { operation: 'claim and succeed', command: / End a job/, at: 'before the reply', isDeadly: false },
  { operation: 'claim and succeed', command: / End a job/, at: 'before the command', isDeadly: true },
  { operation: 'succeed, and claim the next along', command: / End a job/, at: 'before the reply', isDeadly: false },
  { operation: 'succeed, and claim the next along', command: / End a job/, at: 'before the command', isDeadly: false },
  { operation: 'succeed, and claim the next along', command: / End a job/, at: 'before the reply', isDeadly: true },
  {
    operation: 'succeed in a child, and claim the next along',
    command: / End a job/,
    at: 'before the reply',
    isDeadly: true,
  },
  { operation: 'claim and give back', command: / Give a job back/, at: 'before the reply', isDeadly: false },
  {
    operation: 'claim and succeed, another comes after',
    command: /^hdel .*line:/,
    at: 'before the command',
    isDeadly: true,
  },
] as const;

test(
  'where an answer of a claim or a settlement is lost, or a revoked run dies: every promise is kept',
  { skip: lacksRedis },
  async (t) => {
    // It throws where a promise is broken without any fault.
    await pointsOf(REDIS, named('revoke a running job'));
    const chosen = ALWAYS.map(({ operation, command, at, isDeadly }) => ({
      operation: named(operation),
      fault: { nth: 0, command, at, isDeadly },
      command: String(command),
    }));

    const { verdicts, broken } = await tried(t, chosen);

    assert.deepEqual(broken, []);
    assert.ok(
      verdicts.every(({ isHit }) => isHit),
      'each of these commands comes',
    );
  },
);

function named(name: string): (typeof OPERATIONS)[number] {
  const found = OPERATIONS.find((operation) => operation.name === name);
  assert.ok(found !== undefined, `there is no operation ${name}`);
  return found;
}

test(
  'struck at any command of any operation on Redis: nothing lost, doubled, run again or left',
  { skip: lacksRedis },
  async (t) => {
    const operations =
      wanted === null ? sample(OPERATIONS, OPERATION_STRIDE) : OPERATIONS.filter(({ name }) => name.includes(wanted));
    const all: Point[] = [];
    await eachOf(operations, async (operation) => void all.push(...(await pointsOf(REDIS, operation))), AT_ONCE);
    all.sort((a, b) => describe(a).localeCompare(describe(b)));
    const points = wanted === null ? sample(all, STRIDE) : all.filter((_, i) => i % EVERY === 0);

    const { verdicts, broken } = await tried(t, points);

    t.diagnostic(`${points.length} of ${all.length} points of ${operations.length} operations`);
    assert.deepEqual(broken, []);
    // A command that depends on timing may not come; most do, or nothing was proved.
    const hits = verdicts.filter(({ isHit }) => isHit).length;
    assert.ok(hits >= verdicts.length / 2, `only ${hits} of ${verdicts.length} faults came about`);
  },
);

async function tried(
  t: TestContext,
  points: readonly Point[],
): Promise<{
  readonly verdicts: readonly Verdict[];
  readonly broken: readonly string[];
}> {
  const verdicts: Verdict[] = [];
  const broken: string[] = [];
  await eachOf(
    points,
    async (point) => {
      const verdict = await tryPoint(REDIS, point);
      verdicts.push(verdict);
      for (const text of verdict.violations) {
        broken.push(`${describe(point)}: ${text}`);
        t.diagnostic(`${describe(point)}: ${text}`);
      }
    },
    AT_ONCE,
  );
  return { verdicts, broken };
}
