/** Whether the clock of this machine may be trusted with locks: BullMQ on PostgreSQL compares the times of locks with each worker's own. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { SpoolError } from '../job/errors.ts';
import type { Engine } from './engine.ts';

/** A clock that is this much off is told of, ms. */
const TOLD_MS = 1_000;
/** A clock that is off by more than this part of a lock's duration takes living processes for dead: a lock is renewed each third of it. */
const REFUSED_PART = 1 / 4;
/** The answer that came fastest tells best. */
const QUESTIONS = 3;

/** How far this machine's clock is ahead of the datastore's, ms, with half the time of an answer in doubt. */
async function aheadMs({ store }: Engine, clock: () => number): Promise<number> {
  let fastestMs = Infinity;
  let ahead = 0;
  for (let i = 0; i < QUESTIONS; i++) {
    const beforeMs = clock();
    const theirsMs = await store.clockMs();
    const tookMs = clock() - beforeMs;
    if (tookMs >= fastestMs) continue;
    fastestMs = tookMs;
    ahead = beforeMs + tookMs / 2 - theirsMs;
  }
  return Math.round(ahead);
}

/**
 * For a process that is to hold locks.
 *
 * @param clock what BullMQ goes by
 * @throws SpoolError (FSQ_BROKER) when the clocks are too far apart
 */
export async function checkClock(
  engine: Engine,
  onEvent: (event: BrokerEvent) => void,
  clock: () => number = Date.now,
): Promise<void> {
  if (!engine.trustsClocks) return;
  const ahead = await aheadMs(engine, clock);
  const off = Math.abs(ahead);
  if (off > engine.lockMs * REFUSED_PART) {
    throw new SpoolError(
      'FSQ_BROKER',
      `The clock of this machine is ${seconds(off)} s ${ahead > 0 ? 'ahead of' : 'behind'} that of ${engine.place}, and a worker there may be off by ${seconds(engine.lockMs * REFUSED_PART)} s: it would take jobs of living workers. Set both clocks, by NTP for example`,
    );
  }
  if (off > TOLD_MS) onEvent({ kind: 'clock-off', aheadMs: ahead });
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
