/** Every way to end the holding of a job, by claim or recovery: `settle`. */
import { type Attempt, type Outcome, stillParked } from '../../job/job.ts';
import { revoked, type Settlement } from '../../job/lifecycle.ts';
import { encodeTail } from '../../job/tail.ts';
import { afterEnd } from '../ended/after-end.ts';
import type { Engine } from '../engine.ts';
import { type Counters, tailOf, withoutValue } from '../jobs/job-data.ts';
import { forgetRevocation, isRevoked } from '../jobs/revoking.ts';
import { park } from '../tasks/parked-jobs.ts';
import { countersAfter, type Held } from './held-job.ts';
import { complete, delay, fail, giveBack, isForItsChildren } from './moves.ts';

/**
 * Does what was decided for a held job. A job that is revoked is not sent back, whatever was decided: it ends.
 *
 * @param attempt this run's entry for the record; null when no run began
 * @throws FencedError when the claim was taken away: nothing was published; the datastore's error: call again
 */
export async function settle(engine: Engine, held: Held, decided: Settlement, attempt: Attempt | null): Promise<void> {
  const settlement = decided.kind === 'publish' ? decided : await unlessRevoked(engine, held, decided);
  const { record, standing } = held;
  const { again = 0 } = record.kept;
  const attempts = attempt === null ? record.attempts : [...record.attempts, attempt];
  const after = countersAfter(held);
  switch (settlement.kind) {
    case 'publish': {
      const { outcome, ttlMs, crashes = standing.crashes } = settlement;
      const endedAtMs = attempt === null ? engine.nowMs() : null;
      const end = { standing: { ...standing, crashes }, endedAtMs, ttlMs };
      const counters = { ...after, attempt: attempt === null ? after.attempt - 1 : after.attempt, crashes };
      let mayHaveLine = true;
      const isTold = outcome.state === 'succeeded' && engine.tellsCompleted;
      if (outcome.state === 'succeeded') {
        const tail = encodeTail(attempts, { outcome: { state: 'succeeded', value: undefined }, ...end }, again);
        const whole = tailOf(counters, outcome.value === undefined ? withoutValue(tail) : tail);
        try {
          mayHaveLine = await complete(engine, held, outcome.value, whole);
        } catch (error) {
          if (!isForItsChildren(error)) throw error;
          return settle(engine, held, { ...settlement, outcome: hasChildren(held) }, attempt);
        }
      } else {
        const tail = tailOf(counters, encodeTail(attempts, { outcome, ...end }, again));
        await fail(engine, held, outcome.error, tail);
        if (outcome.state === 'revoked') await forgetRevocation(engine, held.id);
      }
      return afterEnd(engine, held, { ttlMs, mayHaveLine, isTold });
    }
    case 'rerun': {
      const { crashes, delayMs, error } = settlement;
      const tail = tailOf({ ...after, crashes }, encodeTail(attempts, { readyAtMs: engine.nowMs() + delayMs }, again));
      return delay(engine, held, delayMs, error, tail);
    }
    case 'park': {
      const uncounted: Counters = { ...after, attempt: after.attempt - 1 };
      const parked = stillParked(settlement.parked, held.record.parked);
      const tail = tailOf(uncounted, encodeTail(attempts, { parked }, again));
      return park(engine, held, () => delay(engine, held, settlement.delayMs, null, tail));
    }
    case 'requeue':
      return giveBack(engine, held, tailOf(after, encodeTail(attempts, null, again)));
  }
}

/** BullMQ lets no such job succeed. */
function hasChildren({ id }: Held): Outcome {
  const message = `Job ${id} has run, and cannot succeed: BullMQ knows children of it that have not ended, or that it must fail with.`;
  return { state: 'failed', error: { name: 'Error', message } };
}

/** If it is revoked after this look, the revoker finds the job where it was sent. */
async function unlessRevoked(engine: Engine, { id, record, standing }: Held, decided: Settlement): Promise<Settlement> {
  if (!(await isRevoked(engine, id))) return decided;
  return revoked({ job: record.job, standing }, decided.kind !== 'park');
}
