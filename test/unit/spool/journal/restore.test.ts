import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import type { Attempt } from '../../../../src/job/job.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { replay } from '../../../../src/spool/journal/replay.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { EARLIER_BOOT, ofBoot } from '../../../support/boots.ts';
import { contextOf } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { namesIn, placesOf } from '../../../support/invariants.ts';
import { journalIn, send } from '../../../support/journal.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';
import { tempDir } from '../../../support/temp.ts';

/** One job, its names, and what its file holds at each step of its life. */
interface Life {
  readonly spool: string;
  readonly sent: NewJob;
  readonly id: string;
  readonly waiting: (attempt: number, crashes?: number) => string;
  readonly delayed: (attempt: number) => string;
  readonly held: (attempt: number) => string;
  readonly ended: string;
  readonly base: string;
  /** After so many runs that failed. */
  readonly afterFailures: (runs: number) => string;
  readonly parked: string;
  readonly outcome: (value: string, runs?: number) => string;
}

const DUE_AT_MS = 5_000;
/** Later than the job was sent. */
const ENDED_AT_MS = Date.now() + 600_000;

function lifeIn(t: TestContext): Life {
  const spool = join(tempDir(t), 'spool');
  openSpool({ path: spool });
  pronounceDead(spool, someOwner());
  mkdirSync(join(spool, 'running', someOwner()), { mode: 0o700 });
  const sent = job({ args: ['é世👋'] });
  const { id } = sent.job;
  const nameOf = (attempt: number, crashes = 0): string =>
    jobFileName({ id, queue: 'default', priority: 5, attempt, crashes });
  const base = encodeBase(sent.job);
  const withTail = (...tail: Parameters<typeof encodeTail>): string => base.slice(0, -1) + encodeTail(...tail);
  return {
    spool,
    sent,
    id,
    waiting: (attempt, crashes) => `pending/${nameOf(attempt, crashes)}`,
    delayed: (attempt) =>
      `delayed/${delayedFileName(DUE_AT_MS, { id, queue: 'default', priority: 5, attempt, crashes: 0 })}`,
    held: (attempt) => `running/${someOwner()}/${nameOf(attempt)}`,
    ended: `results/${id}.json`,
    base,
    afterFailures: (runs) => withTail(attempts(runs), null),
    parked: withTail([], { parked: { reason: 'no such task', sinceMs: 1 } }),
    outcome: (value, runs = 1) =>
      withTail(attempts(runs), {
        outcome: { state: 'succeeded', value },
        standing: { queue: 'default', priority: 5, attempt: runs, crashes: 0 },
      }),
  };
}

function attempts(runs: number): readonly Attempt[] {
  return Array.from({ length: runs }, (_, i) => ({
    attempt: i + 1,
    endedAtMs: ENDED_AT_MS,
    owner: someOwner(),
  }));
}

type Said = readonly [path: string, bytes: string];

/** Records of as many processes, in this order. */
async function record(spool: string, ...said: readonly Said[]): Promise<void> {
  for (const [path, bytes] of said) {
    const context: SpoolContext = contextOf(spool, { files: ofBoot(EARLIER_BOOT, nodeFiles) });
    const fill = (room: Buffer): number => room.write(bytes);
    assert.ok(await journalIn(context).record(path, Buffer.byteLength(bytes), fill));
  }
}

function place(spool: string, ...said: readonly Said[]): void {
  for (const [path, bytes] of said) writeFileSync(join(spool, path), bytes, { mode: 0o600 });
}

/** All that there is of the job. */
function found({ spool, id }: Life): readonly Said[] {
  return (placesOf(spool).get(id) ?? []).map((path) => [path, readFileSync(join(spool, path), 'utf8')]);
}

interface Case {
  readonly what: string;
  readonly said: (life: Life) => readonly Said[];
  /** What the power cut has left. */
  readonly left: (life: Life) => readonly Said[];
  readonly becomes: (life: Life) => Said;
  /** Default 1: something had to be written. */
  readonly restored?: number;
}

const ENDED: Case['said'] = (life) => [[life.ended, life.outcome('shown')]];
const IS_ENDED: Case['becomes'] = (life) => [life.ended, life.outcome('shown')];
const RETRIED: Case['said'] = (life) => [[life.delayed(1), life.afterFailures(1)]];
const IS_RETRIED: Case['becomes'] = (life) => [life.delayed(1), life.afterFailures(1)];

const CASES: readonly Case[] = [
  { what: 'an outcome: nowhere', said: ENDED, left: () => [], becomes: IS_ENDED },
  {
    what: 'an outcome: its job waits',
    said: ENDED,
    left: (life) => [[life.waiting(0), life.base]],
    becomes: IS_ENDED,
  },
  {
    what: 'an outcome: its job is held',
    said: ENDED,
    left: (life) => [[life.held(1), life.base]],
    becomes: IS_ENDED,
  },
  {
    what: 'an outcome: half of it is held',
    said: ENDED,
    left: (life) => [[life.held(1), life.outcome('shown').slice(0, -20)]],
    becomes: IS_ENDED,
  },
  { what: 'an outcome: empty', said: ENDED, left: (life) => [[life.ended, '']], becomes: IS_ENDED },
  { what: 'an outcome: zeros', said: ENDED, left: (life) => [[life.ended, '\0'.repeat(500)]], becomes: IS_ENDED },
  { what: 'an outcome: the base alone', said: ENDED, left: (life) => [[life.ended, life.base]], becomes: IS_ENDED },
  {
    what: 'an outcome: there, and whole',
    said: ENDED,
    left: (life) => [[life.ended, life.outcome('shown')]],
    becomes: IS_ENDED,
    restored: 0,
  },
  {
    what: 'an outcome: there, and its job still waits besides',
    said: ENDED,
    left: (life) => [
      [life.ended, life.outcome('shown')],
      [life.waiting(0), life.base],
    ],
    becomes: IS_ENDED,
    restored: 0,
  },
  {
    what: 'an outcome, and the call, whose record is read later',
    said: (life) => [
      [life.ended, life.outcome('shown')],
      [life.waiting(0), life.base],
    ],
    left: () => [],
    becomes: IS_ENDED,
  },
  {
    what: 'two outcomes, of which the later was seen',
    said: (life) => [
      [life.ended, life.outcome('later', 2)],
      [life.ended, life.outcome('shown')],
    ],
    left: (life) => [[life.held(2), life.base]],
    becomes: (life) => [life.ended, life.outcome('later', 2)],
  },
  { what: 'a retry: nowhere', said: RETRIED, left: () => [], becomes: IS_RETRIED },
  {
    what: 'a retry: still held',
    said: RETRIED,
    left: (life) => [[life.held(1), life.base]],
    becomes: IS_RETRIED,
  },
  {
    what: 'a retry: it waits, and its entry is lost',
    said: RETRIED,
    left: (life) => [[life.waiting(1), life.base]],
    becomes: (life) => [life.waiting(1), life.afterFailures(1)],
  },
  {
    what: 'a retry: the next run has begun, and its entry is lost',
    said: RETRIED,
    left: (life) => [[life.held(2), life.base]],
    becomes: (life) => [life.held(2), life.afterFailures(1)],
  },
  {
    what: 'a retry: the next run has failed too',
    said: RETRIED,
    left: (life) => [[life.waiting(2), life.afterFailures(2)]],
    becomes: (life) => [life.waiting(2), life.afterFailures(2)],
    restored: 0,
  },
  {
    what: 'a retry: it has ended',
    said: RETRIED,
    left: (life) => [[life.ended, life.outcome('shown', 2)]],
    becomes: (life) => [life.ended, life.outcome('shown', 2)],
    restored: 0,
  },
  {
    what: 'a retry: under two names',
    said: RETRIED,
    left: (life) => [
      [life.held(1), life.afterFailures(1)],
      [life.delayed(1), life.afterFailures(1)],
    ],
    becomes: IS_RETRIED,
    restored: 0,
  },
  {
    what: 'a retry, and the call',
    said: (life) => [...RETRIED(life), [life.waiting(0), life.base]],
    left: (life) => [[life.waiting(0), life.base]],
    becomes: IS_RETRIED,
  },
  {
    what: 'a parked job, and the call, whose record is read later',
    said: (life) => [
      [life.delayed(0), life.parked],
      [life.waiting(0), life.base],
    ],
    left: () => [],
    becomes: (life) => [life.delayed(0), life.parked],
  },
  {
    what: 'the call: it has crashed since',
    said: (life) => [[life.waiting(0), life.base]],
    left: (life) => [[life.waiting(1, 1), life.base]],
    becomes: (life) => [life.waiting(1, 1), life.base],
    restored: 0,
  },
];

describe('a record says:', () => {
  for (const { what, said, left, becomes, restored = 1 } of CASES)
    test(what, async (t) => {
      const life = lifeIn(t);
      await record(life.spool, ...said(life));
      place(life.spool, ...left(life));

      const done = await replay(contextOf(life.spool));

      assert.deepEqual(found(life), [becomes(life)]);
      assert.deepEqual([done.restored, done.dropped], [restored, 0]);
    });
});

test('what a folder with the name of an outcome keeps out is moved to corrupt/', async (t) => {
  const life = lifeIn(t);
  await record(life.spool, [life.ended, life.outcome('shown')]);
  mkdirSync(join(life.spool, life.ended));

  await replay(contextOf(life.spool));

  assert.deepEqual(found(life), [[life.ended, life.outcome('shown')]]);
  assert.equal(namesIn(life.spool, 'corrupt').length, 1);
});

test('if the replayer dies with the outcome written and the old name not removed, the next one removes it', async (t) => {
  const life = lifeIn(t);
  await record(life.spool, [life.ended, life.outcome('shown')]);
  place(life.spool, [life.waiting(0), life.base]);
  const files = { ...nodeFiles, unlink: () => assert.fail('it is dead') };
  await assert.rejects(replay(contextOf(life.spool, { files })));
  assert.equal(found(life).length, 2);

  await replay(contextOf(life.spool));

  assert.deepEqual(found(life), [[life.ended, life.outcome('shown')]]);
});

test('a call whose job was sent through the journal, and settled by a process without one', async (t) => {
  const life = lifeIn(t);
  const earlier = contextOf(life.spool, { files: ofBoot(EARLIER_BOOT, nodeFiles) });
  await send(journalIn(earlier), life.sent);
  for (const name of namesIn(life.spool, 'pending')) nodeFiles.unlink(join(life.spool, 'pending', name));
  place(life.spool, [life.held(1), life.outcome('shown')]);

  await replay(contextOf(life.spool));

  assert.deepEqual(found(life), [[life.held(1), life.outcome('shown')]], 'recovery publishes it');
});
