/** Jobs of every kind that may wait in a place, and all that a place tells of them: what a move must keep. */
import assert from 'node:assert/strict';
import type { Broker } from '../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';
import { type JobParts, job, returned, RUN, threw } from './factory.ts';
import { nextWithin } from './next-claim.ts';

export interface MovableJobs {
  /** By what is special about them. */
  readonly waiting: Readonly<Record<string, string>>;
  /** They have ended: the first is needed by one that waits, the second by none. */
  readonly ended: readonly [string, string];
}

const AN_HOUR_MS = 3_600_000;
/** Longer than any test. */
const LATER = { kind: 'rerun', delayMs: AN_HOUR_MS, crashes: 1, error: { name: 'Error', message: 'not yet' } } as const;
const PARKED = { reason: 'no worker here knows task later', sinceMs: 1_790_000_000_000 };

/**
 * Sends them, and runs those that are to have a history. Nothing else may be in the place.
 *
 * @param keyed with two that stand for keys
 */
export async function sendMovableJobs(broker: Broker, keyed: boolean): Promise<MovableJobs> {
  const consumer = await broker.consumer({ queues: null, tasks: [], logBytes: 10_000 });
  try {
    return await sendWith(broker, consumer, keyed);
  } finally {
    await consumer.close();
  }
}

async function sendWith(broker: Broker, consumer: Consumer, keyed: boolean): Promise<MovableJobs> {
  const send = async (parts: JobParts): Promise<string> => {
    const sent = job({ id: broker.nextId(), ...parts });
    await broker.enqueue([sent]);
    return sent.job.id;
  };
  const run = async (parts: JobParts, act: (claim: Claim) => Promise<void> | void): Promise<string> => {
    const id = await send(parts);
    const claim = await nextWithin(consumer, 10_000);
    assert.equal(claim?.job.id, id);
    if (claim !== null) await act(claim);
    return id;
  };
  const needed = await run({ task: 'load' }, (claim) => claim.settle(returned({ rows: [1, 2] }), RUN));
  const other = await run({ task: 'over', queue: 'mails' }, (claim) => claim.settle(threw('gone wrong'), RUN));
  const retried = await run({ options: { retries: 3 } }, async (claim) => {
    claim.progress({ value: 0.5, done: 1, total: 2, detail: 'half' });
    await claim.checkpoint({ line: 7 });
    claim.print('stdout', 'read the half\n');
    claim.print('stderr', 'slowly: ä\n');
    await claim.settle(LATER, RUN);
  });
  const parked = await run({ task: 'later' }, (claim) =>
    claim.settle({ kind: 'park', delayMs: AN_HOUR_MS, parked: PARKED }, null),
  );
  const again = await run({ args: ['again'] }, (claim) => claim.settle(threw('no'), RUN));
  assert.deepEqual([...(await broker.retry([again])).values()], [null]);
  const unique = keyed ? await sendKeyed(broker) : {};
  const first = job({ id: broker.nextId(), args: ['first'] });
  const second = job({ id: broker.nextId(), options: { after: first.job.id, takes: 'value' } });
  const third = job({ id: broker.nextId(), options: { after: [first.job.id, second.job.id] } });
  await broker.enqueue([first, second, third]);
  return {
    waiting: {
      retried,
      parked,
      again,
      ...unique,
      first: first.job.id,
      second: second.job.id,
      third: third.job.id,
      ready: await send({ args: [{ a: [1, 'ä'] }, null], headers: { tenant: 'x' }, enqueuedAtMs: 1_700_000_000_000 }),
      urgent: await send({ priority: 0, queue: 'mails', options: { limitKey: 'shop', timeLimitMs: 5_000 } }),
      delayed: await send({ etaMs: Date.now() + AN_HOUR_MS }),
      taking: await send({ options: { after: needed, takes: 'value' } }),
    },
    ended: [needed, other],
  };
}

async function sendKeyed(broker: Broker): Promise<Readonly<Record<'unique' | 'timed', string>>> {
  const unique = job({ id: broker.nextId(), task: 'unique', options: { key: 'K' } });
  assert.equal((await broker.enqueueUnique(unique, { key: 'K', until: 'ended' })).isDuplicate, false);
  const timed = job({ id: broker.nextId(), task: 'timed', options: { key: 'K' } });
  assert.equal((await broker.enqueueUnique(timed, { key: 'K', until: { ms: AN_HOUR_MS } })).isDuplicate, false);
  return { unique: unique.job.id, timed: timed.job.id };
}

/** All that the place tells of these jobs, where they are aside. Null for those that are nowhere. */
export async function toldOf(broker: Broker, ids: readonly string[]): Promise<readonly unknown[]> {
  return Promise.all(ids.map((id) => toldOfOne(broker, id)));
}

async function toldOfOne(broker: Broker, id: string): Promise<unknown> {
  const sighting = await broker.find(id);
  if (sighting === null) return null;
  const { location: _, readySinceMs: __, checkpoint, state, standing, record, ...rest } = sighting;
  const { queue, priority, attempt, crashes } = standing;
  const lines: unknown[] = [];
  for (let position = 0; ;) {
    const part = await broker.log(id, position);
    if (part.lines.length === 0) break;
    lines.push(...part.lines);
    position = part.position;
  }
  // Of an ended job each place keeps what its own names do not say; a ready one has been so there since it arrived.
  const { readyAtMs: ___, ...kept } = record?.kept ?? {};
  const told = record === null ? record : { ...record, kept: record.outcome === null ? kept : {} };
  const about = { queue, priority, attempt, crashes, record: told };
  return {
    ...rest,
    ...about,
    state,
    lines,
    checkpoint: checkpoint?.attempt ?? null,
    kept: await broker.checkpointed(id),
  };
}
