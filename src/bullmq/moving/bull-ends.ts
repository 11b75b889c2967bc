/** BullMQ as either end of a move: `Departure` and `Arrival`. */
import type { Arrival, Departure, MovedJob, MoveReading } from '../../broker/moving.ts';
import { CorruptJobError } from '../../job/document.ts';
import { type FsqError, SpoolError } from '../../job/errors.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { place as placeInLines, standInLines } from '../after/lines.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from '../jobs/job-data.ts';
import { AFTER_OTHERS_MS, afterOthersMs } from '../jobs/raw-sighting.ts';
import { isRevoked, REVOKED } from '../jobs/revoking.ts';
import type { Access } from '../schedules/schedule-facts.ts';
import type { Place, RawJob } from '../store.ts';
import { patiently } from '../store-wait.ts';
import { keyOf, standForKey } from './arriving-keys.ts';
import { openMove, type OpenMove, type WantedMove } from './bull-note.ts';
import { type MoveSteps, MOVING } from './move-store.ts';
import { arrivingJob, movedJob, READY_MS } from './moved-jobs.ts';

export async function departure(engine: Engine, access: Access, to: string): Promise<Departure> {
  const us = engine.ownerName();
  const move = await begun(access, engine, us, { side: 'out', other: to, id: null, mayBegin: true });
  if (move === null) throw new SpoolError('FSQ_MOVING', `No move can begin from ${engine.place}.`);
  const step = stepsOf(access, move);
  return {
    ...common(engine, access, move),
    to: move.other,
    take: (ids) => step('taken', () => take(engine, move.steps, ids)),
    read: (ids) => access.look(() => read(engine, ids)),
    giveBack: (ids) => step('given back', () => sendToWait(engine, move.steps, ids)),
    letGo: (ids) => step('let go', () => letGo(engine, move.steps, ids)),
  };
}

export async function arrival(
  engine: Engine,
  access: Access,
  { from, id, mayBegin }: { readonly from: string; readonly id: string; readonly mayBegin: boolean },
): Promise<Arrival | null> {
  const move = await begun(access, engine, engine.ownerName(), { side: 'in', other: from, id, mayBegin });
  if (move === null) return null;
  const step = stepsOf(access, move);
  return {
    ...common(engine, access, move),
    accept: (jobs) => step('accepted', () => accept(engine, move.steps, jobs)),
    acceptOutcomes: (jobs) => step('accepted', () => acceptOutcomes(engine, move.steps, jobs)),
    discard: (ids) => step('discarded', () => eachMoving(engine, ids, move.steps.drop)),
    release: (ids) => step('released', () => sendToWait(engine, move.steps, ids)),
  };
}

function begun(access: Access, engine: Engine, us: string, wanted: WantedMove): Promise<OpenMove | null> {
  return access.change('begun', () => patiently(() => openMove(engine, us, wanted)));
}

type Step = <T>(done: string, act: () => Promise<T>) => Promise<T>;

/** What a server refuses for a moment, or does without saying so because it was cut off, is done again. */
function stepsOf(access: Access, move: OpenMove): Step {
  return (done, act) => access.change(done, () => patiently(() => move.whileOurs(act)));
}

function common(
  engine: Engine,
  access: Access,
  move: OpenMove,
): Pick<Departure, 'id' | 'isResumed' | 'underway' | 'finish' | 'close'> {
  const { id, isResumed } = move;
  return {
    id,
    isResumed,
    underway: () => access.look(async () => [...(await engine.store.fields(MOVING)).keys()]),
    finish: () => access.change('finished', () => patiently(() => move.finish())),
    close: () => move.close(),
  };
}

async function take(engine: Engine, steps: MoveSteps, ids: readonly string[]): Promise<readonly string[]> {
  const found = await engine.queues.look(ids);
  const isTaken = await Promise.all(found.map(async (raw) => raw !== null && (await steps.take(raw)) === true));
  return ids.filter((_, i) => isTaken[i] === true);
}

async function read(engine: Engine, ids: readonly string[]): Promise<ReadonlyMap<string, MoveReading>> {
  const moving = await engine.store.fields(MOVING);
  const found = new Map<string, MoveReading>();
  for (const raw of await engine.queues.look(ids)) {
    if (raw === null) continue;
    const isWanted = moving.has(raw.id) || raw.state === 'completed' || raw.state === 'failed';
    if (isWanted) found.set(raw.id, await readOne(engine, raw));
  }
  return found;
}

async function readOne(engine: Engine, raw: RawJob): Promise<MoveReading> {
  const [checkpoint, log, revoked] = await Promise.all([
    engine.store.checkpoint(raw),
    wholeLog(engine, raw),
    isRevoked(engine, raw.id),
  ]);
  let job: MovedJob;
  try {
    job = movedJob(raw, { checkpoint, log, isRevoked: revoked });
  } catch (error) {
    return { error: new CorruptJobError(`Job ${raw.id} cannot be read: ${reasonOf(error)}`) };
  }
  // A server that cannot answer now says nothing of the job: whoever reads asks again.
  return { job: job.record.outcome === null ? { ...job, key: await keyOf(engine, job.record.job) } : job };
}

async function wholeLog(engine: Engine, at: Place): Promise<readonly string[]> {
  const all: string[] = [];
  for (;;) {
    const { lines } = await engine.store.log(at, all.length);
    if (lines.length === 0) return all;
    all.push(...lines);
  }
}

async function letGo(engine: Engine, steps: MoveSteps, ids: readonly string[]): Promise<readonly string[]> {
  await eachMoving(engine, ids, steps.drop);
  const revoked = await engine.store.fields(REVOKED);
  return ids.filter((id) => revoked.has(id));
}

/** Those that come after others stand in their lines first, as when they are sent. */
async function sendToWait(engine: Engine, steps: MoveSteps, ids: readonly string[]): Promise<void> {
  const moving = await engine.store.fields(MOVING);
  const raws = (await engine.queues.look(ids.filter((id) => moving.has(id)))).filter((raw) => raw !== null);
  const jobs = raws.map((raw) => ({ raw, job: recordOf(raw).job }));
  const late = jobs.filter(({ raw }) => (raw.dueAtMs ?? 0) >= AFTER_OTHERS_MS);
  const waiting = await standInLines(
    engine,
    late.map(({ raw, job }) => ({ job, queue: raw.queue, priority: raw.priority })),
  );
  const isLate = new Set(late.map(({ raw }) => raw.id));
  for (const { raw, job } of jobs) {
    const dueAtMs = waiting.has(raw.id) ? afterOthersMs(job.options) : isLate.has(raw.id) ? 0 : (raw.dueAtMs ?? 0);
    await steps.sendToWait(raw, dueAtMs > engine.nowMs() && dueAtMs !== READY_MS ? dueAtMs : 0);
  }
  if (waiting.size > 0) await placeInLines(engine, [...waiting.values()]);
}

/** @returns why not */
async function accept(
  engine: Engine,
  steps: MoveSteps,
  jobs: readonly MovedJob[],
): Promise<ReadonlyMap<string, FsqError>> {
  const { store, queues, place } = engine;
  const refused = new Map<string, FsqError>();
  await queues.tell(new Set(jobs.map(({ standing }) => standing.queue)));
  const ids = jobs.map(({ record }) => record.job.id);
  const [found, moving] = [await queues.look(ids), await store.fields(MOVING)];
  for (const raw of found) {
    if (raw === null || moving.has(raw.id)) continue;
    refused.set(raw.id, new SpoolError('FSQ_MOVING', `Job ${raw.id} is in ${place} already, and was not moved there.`));
  }
  for (const moved of jobs) {
    const { id } = moved.record.job;
    if (refused.has(id)) continue;
    await steps.accept(arrivingJob(moved, engine.nowMs()));
    // After that: the flag of a job that is nowhere is swept.
    if (moved.isRevoked) await store.setField(REVOKED, id, 'ask');
    const error = await standForKey(engine, moved);
    if (error !== null) refused.set(id, error);
  }
  return refused;
}

async function acceptOutcomes(engine: Engine, steps: MoveSteps, jobs: readonly MovedJob[]): Promise<void> {
  await engine.queues.tell(new Set(jobs.map(({ standing }) => standing.queue)));
  const found = await engine.queues.look(jobs.map(({ record }) => record.job.id));
  for (const [i, moved] of jobs.entries())
    if (found[i] === null) await steps.accept(arrivingJob(moved, engine.nowMs()));
}

async function eachMoving(engine: Engine, ids: readonly string[], act: (at: Place) => Promise<unknown>): Promise<void> {
  const moving = await engine.store.fields(MOVING);
  for (const id of ids) {
    const queue = moving.get(id);
    if (queue !== undefined) await act({ queue, id });
  }
}
