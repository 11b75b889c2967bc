/** What the ends of the jobs that a claimed job comes after mean for it: it runs with what it takes from them, waits, or ends. */
import { CorruptJobError } from '../../job/document.ts';
import { idsAfter } from '../../job/edges.ts';
import { type Ended, Predecessors, type Verdict } from '../../job/ended/predecessors.ts';
import { failureOf } from '../../job/failure.ts';
import type { Job } from '../../job/job.ts';
import { encodeTail } from '../../job/tail.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { countersAfter, type Held } from '../claims/held-job.ts';
import { delay } from '../claims/moves.ts';
import type { Engine } from '../engine.ts';
import { recordOf, tailOf } from '../jobs/job-data.ts';
import { isRevoked, revoke } from '../jobs/revoking.ts';
import { afterOthersMs } from '../jobs/raw-sighting.ts';
import type { RawJob } from '../store.ts';
import { place, stand } from './lines.ts';

/** Outcomes read at a time: their values may be large. */
const PAGE = 50;

/** 'waits': one of the others has not ended. @throws the datastore's error */
export async function lookAtPredecessors(engine: Engine, job: Job): Promise<Verdict | 'waits'> {
  const ids = idsAfter(job.options);
  for (;;) {
    const found = new Predecessors(job);
    if (!found.isDecided && (await engine.queues.stages(ids)).includes('open')) return 'waits';
    if (await tellAll(engine, ids, found)) return found.verdict();
  }
}

/** False when one of them has been sent back meanwhile. */
async function tellAll(engine: Engine, ids: readonly string[], found: Predecessors): Promise<boolean> {
  for (let from = 0; from < ids.length && !found.isDecided; from += PAGE) {
    const page = ids.slice(from, from + PAGE);
    const raws = await engine.queues.look(page);
    for (const [i, id] of page.entries()) {
      const raw = raws[i] ?? null;
      if (found.isDecided) break;
      if (raw !== null && raw.state !== 'completed' && raw.state !== 'failed') return false;
      found.add(id, raw === null ? null : endIn(raw));
    }
  }
  return true;
}

function endIn(raw: RawJob): Ended {
  try {
    const { outcome, job } = recordOf(raw);
    if (outcome !== null) return { outcome, task: job.task };
    return unreadable('it has no outcome', job.task);
  } catch (error) {
    return unreadable(reasonOf(error), null);
  }
}

function unreadable(reason: string, task: string | null): Ended {
  const error = failureOf(new CorruptJobError(`The outcome cannot be read: ${reason}.`));
  return { outcome: { state: 'failed', error }, task };
}

/**
 * A job that is held goes back to wait for others; its attempt does not count. It is in a line before: if we die in between, its lock
 * runs out, and its next claim looks again.
 *
 * @throws FencedError, the datastore's error
 */
export async function waitForOthers(engine: Engine, held: Held): Promise<void> {
  const { id, record } = held;
  const { options } = record.job;
  const after = countersAfter(held);
  const tail = tailOf({ ...after, attempt: after.attempt - 1 }, encodeTail(record.attempts, null, record.kept.again));
  const follower = await stand(engine, held, options, await engine.store.clockMs());
  await delay(engine, held, afterOthersMs(options) - engine.nowMs(), null, tail);
  // Its revoker may have seen it here, and was told that it will end.
  if (await isRevoked(engine, id)) await revoke(engine, [id], false);
  await place(engine, [follower]);
}
