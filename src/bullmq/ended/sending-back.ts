/**
 * Sending ended jobs back to where they wait, each in one step of the datastore, with all that is known of them: its tail keeps the runs,
 * and says from which on they count (job/ended/again.ts says what that means). Of many who send one back at the same time one does.
 */
import type { RetryOptions } from '../../broker/broker.ts';
import { hasLostItsKey, hasNotEnded, hasSucceeded, isUnreadable } from '../../job/ended/not-sent-back.ts';
import type { FsqError } from '../../job/errors.ts';
import type { Job, JobRecord } from '../../job/job.ts';
import { encodeTail } from '../../job/tail.ts';
import type { Engine } from '../engine.ts';
import { recordOf, tailOf } from '../jobs/job-data.ts';
import { keyTakenBy, takeKeyAgain } from '../keys/key-ends.ts';
import { REVOKED } from '../jobs/revoking.ts';
import type { RawJob } from '../store.ts';

/** Null: the job was sent back; else why it was not. */
type Answer = FsqError | null;

/** Jobs looked at in one question. */
const PAGE = 100;

/** @returns what came of each of `ids`; those that are nowhere are missing */
export async function retry(
  engine: Engine,
  ids: readonly string[],
  { dryRun = false }: RetryOptions = {},
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  const dryKeys = new Map<string, string>();
  const all = [...new Set(ids)];
  for (let from = 0; from < all.length; from += PAGE) {
    for (const raw of await engine.queues.look(all.slice(from, from + PAGE))) {
      if (raw === null) continue;
      const look = lookAt(raw);
      if ('doubt' in look) answers.set(raw.id, look.doubt);
      else if (dryRun) answers.set(raw.id, await keyDoubt(engine, look.record.job, dryKeys));
      else {
        const answer = await sendBack(engine, raw, look.record);
        if (answer !== undefined) answers.set(raw.id, answer);
      }
    }
  }
  return answers;
}

/** Undefined when it is nowhere any more. */
async function sendBack(engine: Engine, raw: RawJob, record: JobRecord): Promise<Answer | undefined> {
  const { id, finishedOn, stalls } = raw;
  const { job } = record;
  const { key } = job.options;
  const taken = key === undefined ? null : await takeKeyAgain(engine, job, key);
  if (typeof taken === 'string') return hasLostItsKey(job, key ?? '', taken);
  const attempt = endedAttempt(record);
  const tail = tailOf(
    { attempt, crashes: 0, stalls },
    encodeTail(record.attempts, { readyAtMs: engine.nowMs() }, attempt),
  );
  const { etaMs = 0 } = job.options;
  // What says that it is revoked must not end it again.
  await engine.store.removeFields(REVOKED, [id]);
  const dueAtMs = etaMs > engine.nowMs() ? etaMs : null;
  if (await engine.store.sendBack({ ...raw, finishedOn: finishedOn ?? 0 }, tail, dueAtMs, engine.ownerName())) {
    await taken?.settle();
    return null;
  }
  const [now = null] = await engine.queues.look([id]);
  if (now === null) return undefined;
  const look = lookAt(now);
  return 'doubt' in look ? look.doubt : sendBack(engine, now, look.record);
}

/** @param dryKeys the keys that jobs before it would have taken, and which */
async function keyDoubt(engine: Engine, job: Job, dryKeys: Map<string, string>): Promise<Answer> {
  const { key } = job.options;
  if (key === undefined) return null;
  const name = `${job.task}\n${key}`;
  const other = dryKeys.get(name) ?? (await keyTakenBy(engine, job, key));
  if (other !== null) return hasLostItsKey(job, key, other);
  dryKeys.set(name, job.id);
  return null;
}

/** Under which it was held when it ended: also of one that no run, or another program, has ended. */
function endedAttempt({ attempts, kept }: JobRecord): number {
  return kept.attempt ?? attempts.at(-1)?.attempt ?? 0;
}

function lookAt(raw: RawJob): { readonly record: JobRecord } | { readonly doubt: FsqError } {
  const { id, state } = raw;
  switch (state) {
    case 'active':
      return { doubt: hasNotEnded(id, 'runs') };
    case 'waiting':
      return { doubt: hasNotEnded(id, 'waits to run') };
    case 'delayed':
      return { doubt: hasNotEnded(id, 'waits, delayed') };
    case 'completed':
    case 'failed':
      break;
  }
  try {
    const record = recordOf(raw);
    return state === 'completed' ? { doubt: hasSucceeded(record.job) } : { record };
  } catch {
    return { doubt: isUnreadable(id) };
  }
}
