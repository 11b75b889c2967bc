/** Revoking: a flag for each job that is to end, which its holder and every claim looks at; a job that waits ends at once. */
import type { Revocation } from '../../broker/broker.ts';
import type { JobRecord } from '../../job/job.ts';
import { revoked, type Settlement } from '../../job/lifecycle.ts';
import { encodeTail } from '../../job/tail.ts';
import { afterEnd } from '../ended/after-end.ts';
import type { Engine } from '../engine.ts';
import { countersOf, recordOf, tailOf, unreadableEnd, unreadableRecord } from './job-data.ts';
import { sightingOf, standingOf } from './raw-sighting.ts';
import { NOTE, NOTES } from '../moving/move-store.ts';
import type { RawJob } from '../store.ts';

/** The table of the jobs that are revoked and have not ended, and the topic that tells of a new one. */
export const REVOKED = 'revoked';

/** Jobs looked at in one question: each with all that it carries. */
const PAGE = 100;

export async function isRevoked(engine: Engine, id: string): Promise<boolean> {
  return (await engine.store.field(REVOKED, id)) !== null;
}

/** @param terminate the process that runs one is to be killed */
export async function revoke(
  engine: Engine,
  ids: readonly string[],
  terminate: boolean,
): Promise<ReadonlyMap<string, Revocation>> {
  const answers = new Map<string, Revocation>();
  for (let from = 0; from < ids.length; from += PAGE) {
    for (const raw of await engine.queues.look(ids.slice(from, from + PAGE))) {
      if (raw !== null) answers.set(raw.id, await revokeOne(engine, raw, terminate));
    }
  }
  return answers;
}

async function revokeOne(engine: Engine, raw: RawJob, terminate: boolean): Promise<Revocation> {
  if (raw.state === 'completed' || raw.state === 'failed') return answerAfter(raw);
  const { record, settlement } = endOf(raw);
  const standing = standingOf(raw, record);
  if (settlement.kind !== 'publish' || settlement.outcome.state === 'succeeded') return 'ended';
  const { outcome, ttlMs } = settlement;
  const end = { outcome, standing, endedAtMs: engine.nowMs(), ttlMs };
  const tail = tailOf(countersOf(raw), encodeTail(record.attempts, end, record.kept.again ?? 0));
  await engine.store.setField(REVOKED, raw.id, terminate ? 'terminate' : 'ask');
  switch (await engine.store.endWaiting(raw, tail, outcome.error.message)) {
    case 'ended':
      await engine.store.removeFields(REVOKED, [raw.id]);
      await afterEnd(engine, raw, { ttlMs, mayHaveLine: true, isTold: false });
      return outcome.state === 'revoked' ? 'revoked' : 'ended';
    case 'running':
      engine.store.publish(REVOKED, raw.id);
      return 'requested';
    case 'over':
    case null: {
      await engine.store.removeFields(REVOKED, [raw.id]);
      const [now = null] = await engine.store.look([raw.id], [raw.queue]);
      return now === null ? 'ended' : answerAfter(now);
    }
  }
}

/** A job that cannot be read ends as such, as it would by a claim. */
function endOf(raw: RawJob): { readonly record: JobRecord; readonly settlement: Settlement } {
  try {
    const record = recordOf(raw);
    return { record, settlement: revoked({ job: record.job, standing: standingOf(raw, record) }, false) };
  } catch (error) {
    return { record: unreadableRecord(raw), settlement: unreadableEnd(raw.id, error) };
  }
}

/** Of one that had ended: whoever revokes it again, or at the same time, is told the same. */
function answerAfter(raw: RawJob): Revocation {
  return sightingOf(raw, '').state === 'revoked' ? 'revoked' : 'ended';
}

/** The flag has done its work: the job has ended. */
export async function forgetRevocation(engine: Engine, id: string): Promise<void> {
  await engine.store.removeFields(REVOKED, [id]);
}

/** Those of `ids` that are revoked and have ended, or are nowhere, are flagged no more: some other way than by their flag. @returns the others */
export async function sweepRevoked(engine: Engine, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const stages = await engine.queues.stages(ids);
  // A flag may be that of a job that has been let go, and the one who moves it, or goes on with that, has to hear of it.
  const hasMove = stages.includes(null) && (await engine.store.field(NOTES, NOTE)) !== null;
  const over = ids.filter((_, i) => stages[i] === 'ended' || (stages[i] === null && !hasMove));
  await engine.store.removeFields(REVOKED, over);
  return new Set(ids.filter((id) => !over.includes(id)));
}
