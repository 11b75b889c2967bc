/** Taking the next job of a queue, and what it turns out to be: a claim to run, or something that ends, or waits, without a run. */
import type { JobJson } from 'bullmq';
import { unended } from '../../job/ended/again.ts';
import type { Attempt, JobRecord } from '../../job/job.ts';
import { type Settlement, settlementOf } from '../../job/lifecycle.ts';
import type { Engine, Taken } from '../engine.ts';
import { isPassing } from '../store-wait.ts';
import { countersOf, recordOf, unreadableEnd, unreadableRecord } from '../jobs/job-data.ts';
import { hasEnded, standingOf } from '../jobs/raw-sighting.ts';
import type { RawJob } from '../store.ts';
import type { Held } from './held-job.ts';
import { settle } from './settle-held.ts';

/** Locks the next job of the queue under this token. @throws the datastore's error */
export async function takeNext(engine: Engine, queue: string, owner: string, token: string): Promise<Taken> {
  let got: readonly unknown[];
  try {
    got = (await engine.backend(queue).moveToActive(token, owner)) as readonly unknown[];
  } catch (error) {
    return takenOddly(engine, queue, token, error);
  }
  const [json, id, limitedMs, untilMs] = got;
  if (typeof json !== 'object' || json === null || typeof id !== 'string') {
    const nextMs = Number(untilMs ?? 0);
    return { kind: 'none', untilMs: nextMs > 0 ? nextMs : null, limitedMs: Math.max(0, Number(limitedMs ?? 0)) };
  }
  const raw = rawOf(queue, id, json as JobJson, token); // BullMQ's own type of it.
  // Only a job that was claimed before, or that says so, has a tail.
  if (raw.claims <= 1 && !hasTail(json as JobJson)) return { kind: 'job', raw };
  const [whole = null] = await engine.store.look([id], [queue]);
  return { kind: 'job', raw: whole === null ? raw : { ...whole, state: 'active', token } };
}

/**
 * BullMQ fails over a job whose fields are not as it writes them, such as a progress that is no JSON, when it has locked the job: it would
 * lie there, and end the next process too. Whatever such a field says, fsq needs none of them.
 */
async function takenOddly(engine: Engine, queue: string, token: string, error: unknown): Promise<Taken> {
  if (isPassing(error)) throw error;
  const held = (await engine.store.held([queue], [token])).find((job) => job.token === token);
  const [raw = null] = held === undefined ? [] : await engine.store.look([held.id], [queue]);
  if (raw?.token !== token) throw error;
  return { kind: 'job', raw };
}

/** The job has come from elsewhere, with what had become of it there: its options say so. */
function hasTail({ opts }: JobJson): boolean {
  return (opts as { readonly fsqTail?: unknown }).fsqTail === true;
}

function rawOf(queue: string, id: string, json: JobJson, token: string): RawJob {
  return {
    id,
    queue,
    state: 'active',
    dueAtMs: null,
    token,
    name: json.name,
    data: json.data,
    priority: numberIn(json.priority ?? json.opts.priority),
    timestamp: numberIn(json.timestamp),
    processedOn: json.processedOn ?? null,
    finishedOn: null,
    returnvalue: null,
    failedReason: null,
    stacktrace: null,
    processedBy: json.processedBy ?? null,
    claims: numberIn(json.attemptsStarted),
    stalls: numberIn(json.stalledCounter),
    deferredFailure: json.deferredFailure ?? null,
    tail: null,
    progress: null,
    report: null,
    logged: 0,
  };
}

/** Another program may have written anything: a number that is none would never end the job, and nobody could read its tail. */
function numberIn(value: unknown): number {
  return Number(value) || 0;
}

/** A job that is locked, and what is to become of it before any run; null: it may run. */
export interface Opened {
  readonly held: Held;
  readonly verdict: { readonly settlement: Settlement; readonly attempt: Attempt | null } | null;
}

/** Reads a job that was taken. Pure, but for the clock. */
export function open(engine: Engine, raw: RawJob, owner: string): Opened {
  const { queue, id, token, claims, stalls } = raw;
  const held = (record: JobRecord, standing: Held['standing']): Held => {
    const attemptsAllowed = (record.job.options.retries ?? 0) + 1;
    return {
      queue,
      id,
      token: token ?? '',
      owner,
      record,
      standing,
      claims,
      stalls,
      cuts: engine.cuts(),
      attemptsAllowed,
    };
  };
  let record: JobRecord;
  try {
    record = recordOf(raw);
  } catch (error) {
    const unread = held(unreadableRecord(raw), { queue, priority: raw.priority, attempt: 1, crashes: 0 });
    return { held: unread, verdict: { settlement: unreadableEnd(id, error), attempt: null } };
  }
  const standing = standingOf(raw, record);
  const { outcome } = record;
  // Its process died between the word and the move.
  if (outcome !== null && hasEnded(record, { attempt: standing.attempt - 1 }))
    return { held: held(record, standing), verdict: { settlement: { kind: 'publish', outcome }, attempt: null } };
  const mine = held(unended(record), standing);
  const verdict = deferred(raw);
  return verdict === null ? afterLoss(engine, raw, mine) : { held: mine, verdict };
}

/** Another program has given the job up, and left it to the next claim to say so. */
function deferred({ deferredFailure }: RawJob): Opened['verdict'] {
  if (deferredFailure === null) return null;
  const error = { name: 'Error', message: deferredFailure };
  return { settlement: { kind: 'publish', outcome: { state: 'failed', error } }, attempt: null };
}

/** Its lock may have run out since the last tail: the process that held it is taken for dead, and what follows is decided as for any death. */
function afterLoss(engine: Engine, raw: RawJob, mine: Held): Opened {
  const { record, standing } = mine;
  if (raw.stalls <= countersOf(raw).stalls) return { held: mine, verdict: null };
  const { job, attempts, kept } = record;
  const run = { ...standing, attempt: standing.attempt - 1, crashes: standing.crashes - 1 };
  const nowMs = engine.nowMs();
  const settlement = settlementOf(
    { kind: 'crashed' },
    { job, standing: run, attempts, again: kept.again ?? 0 },
    nowMs,
    Math.random(),
  );
  const error =
    settlement.kind === 'rerun'
      ? settlement.error
      : settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded'
        ? settlement.outcome.error
        : undefined;
  const attempt = {
    attempt: run.attempt,
    endedAtMs: nowMs,
    owner: LOST_OWNER,
    ...(error === undefined ? {} : { error }),
  };
  if (settlement.kind === 'rerun' && settlement.delayMs === 0)
    return { held: { ...mine, record: { ...record, attempts: [...attempts, attempt] } }, verdict: null };
  return { held: { ...mine, standing: run }, verdict: { settlement, attempt } };
}

/** BullMQ does not say which process had let its lock run out. */
const LOST_OWNER = 'lost';

/** Carries out what was found of a job that does not run. @throws FencedError, the datastore's error */
export async function endWithoutRun(
  engine: Engine,
  held: Held,
  verdict: NonNullable<Opened['verdict']>,
): Promise<void> {
  await settle(engine, held, verdict.settlement, verdict.attempt);
  const { settlement } = verdict;
  const { job } = held.record;
  if (settlement.kind === 'publish')
    engine.onEvent({ kind: 'not-run', job, standing: held.standing, outcome: settlement.outcome });
}
