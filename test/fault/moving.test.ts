/**
 * Whoever moves jobs between a spool and a Redis, or two of a Redis, is struck at any command that it sends and at any call in the spool; the
 * next one goes on: every job is there once, with all that is known of it.
 *
 * Here a sample that moves on with the date. With MOVE_FAULTS='' every point is tried, with MOVE_FAULTS=SIGKILL every one whose description has
 * that word; MOVE_FAULTS_EVERY=11 takes every eleventh of those. With a number that has a divisor in common with how many faults a point has (two
 * cuts, two errors of the disk, five of the server) some of these never come.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { lacksRedis } from '../support/redis-server.ts';
import { NO_STRACE } from '../support/strace.ts';
import { eachOf, sample } from './ops/campaign.ts';
import { tryPoint, tryStandingStill, untried, type Verdict } from './moves/campaign.ts';
import {
  cutsAtCommands,
  deathsAtCalls,
  deathsAtCommands,
  errorsAtCalls,
  type Point,
  pointText,
  refusalsOf,
} from './moves/points.ts';
import { type Way, WAYS } from './moves/scene.ts';

const KINDS_AT_ONCE = 2;
/** Points of each. */
const AT_ONCE = 3;
const ERRORS = [
  'LOADING Redis is loading the dataset in memory',
  "READONLY You can't write against a read only replica.",
  "OOM command not allowed when used memory > 'maxmemory'.",
  // As Redis 6.2 says it of a script.
  "ERR Error running script (call to f_6c4c6de2bece2ad87657691d945d902df2198f5e): @user_script:3: @user_script: 3: -READONLY You can't write against a read only replica.",
  // It does not pass.
  'NOAUTH Authentication required.',
];
const WITH_SPOOL = WAYS.filter((way) => way.includes('spool'));

/** What the sample must not leave out: it has gone wrong. A server that was asked for a key and refused was taken for a job that is broken. */
const ALWAYS = /^Redis → spool: READONLY .* fsq:keys\)$/;

/** Null: a sample. */
const wanted = process.env['MOVE_FAULTS'] ?? null;
/** Of those. */
const EVERY = Number(process.env['MOVE_FAULTS_EVERY'] ?? 1);

// Most of a try is waiting: for a process to begin, and for one to end.
describe('whoever moves jobs', { concurrency: KINDS_AT_ONCE }, () => {
  test('killed before and after any command to Redis', { skip: lacksRedis }, async (t) => {
    await tryAll(t, await all(WAYS, deathsAtCommands), 3);
  });

  test('killed before any call in the spool', { skip: lacksRedis || NO_STRACE }, async (t) => {
    await tryAll(t, await all(WITH_SPOOL, deathsAtCalls), 2);
  });

  test('killed while workers take jobs at both ends', { skip: lacksRedis }, async (t) => {
    const points = await all(WAYS, deathsAtCommands);
    await tryAll(
      t,
      // What the workers take needs no commands.
      sample(points, 5).map((point) => ({
        ...point,
        isBusy: true,
        fault: { ...point.fault, nth: early(point.fault.nth) },
      })),
      2,
    );
  });

  test('stands still before any command, while another ends the move', { skip: lacksRedis }, async (t) => {
    // A spool shows that its process lives, and nobody takes the move over.
    const points = (await deathsAtCommands('Redis → Redis')).filter(({ fault }) => fault.at === 'before the command');
    await tryAll(t, points, 2, tryStandingStill);
  });

  test('cut off before and after any command to Redis', { skip: lacksRedis }, async (t) => {
    await tryAll(t, await all(WAYS, cutsAtCommands), 2);
  });

  test('refused by Redis at any command', { skip: lacksRedis }, async (t) => {
    await tryAll(t, await all(WAYS, (way) => refusalsOf(way, ERRORS)), 2);
  });

  test('refused by the disk at any call in the spool', { skip: lacksRedis || NO_STRACE }, async (t) => {
    await tryAll(t, await all(WITH_SPOOL, (way) => errorsAtCalls(way, ['ENOSPC', 'EACCES'])), 2);
  });
});

/** Who tries every point sees at once what is found. */
function tellProgress(verdicts: readonly Verdict[], all: number): void {
  if (wanted === null) return;
  const last = verdicts.at(-1);
  for (const text of last?.violations ?? [])
    process.stderr.write(`${last === undefined ? '' : pointText(last.point)}: ${text}\n`);
  if (verdicts.length % 50 === 0) process.stderr.write(`${verdicts.length} of ${all} points\n`);
}

function early(nth: number): number {
  return Math.ceil(nth / 4);
}

async function all<P extends Point>(
  ways: readonly Way[],
  pointsOf: (way: Way) => Promise<readonly P[]>,
): Promise<readonly P[]> {
  return (await Promise.all(ways.map(pointsOf))).flat();
}

/** @param most of a sample */
function chosenOf<T extends Point>(points: readonly T[], most: number): readonly T[] {
  if (wanted === null) {
    const chosen = new Set(sample(points, Math.ceil(points.length / most)));
    return points.filter((point) => chosen.has(point) || ALWAYS.test(pointText(point)));
  }
  return points.filter((point) => pointText(point).includes(wanted)).filter((_, i) => i % EVERY === 0);
}

async function tryAll(
  t: TestContext,
  points: readonly Point[],
  most: number,
  tryOne: (point: Point) => Promise<Verdict> = tryPoint,
): Promise<void> {
  const chosen = chosenOf(points, most);
  const verdicts: Verdict[] = [];
  await eachOf(
    chosen,
    async (point) => {
      const verdict = await tryOne(point).catch((error: unknown) => untried(point, error));
      verdicts.push(verdict);
      for (const text of verdict.violations) t.diagnostic(`${pointText(point)}: ${text}`);
      tellProgress(verdicts, chosen.length);
    },
    AT_ONCE,
  );

  const ended = verdicts.filter(({ said }) => said.includes('done')).length;
  t.diagnostic(`${chosen.length} of ${points.length} points, ${ended} of them moved all`);
  assert.deepEqual(
    verdicts.flatMap(({ point, violations }) => violations.map((text) => `${pointText(point)}: ${text}`)),
    [],
  );
  // A command that depends on timing may not come; most do, or nothing was proved.
  const hits = verdicts.filter(({ isHit }) => isHit).length;
  assert.ok(hits >= verdicts.length / 2, `only ${hits} of ${verdicts.length} faults came about`);
}
