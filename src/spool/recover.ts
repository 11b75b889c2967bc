/** Taking back what dead owners held. Fence first, then each job by one rename. */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrokerEvent, EndedRun } from '../broker/worker-side.ts';
import type { Attempt } from '../job/job.ts';
import { type Ending, type Settlement, settlementOf } from '../job/lifecycle.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { setAside } from './corrupt.ts';
import { fence } from './fence.ts';
import { hasCode } from './files.ts';
import { hasOutcomeOf, publishAsItStands, settle } from './held.ts';
import { heldName, parseHeldName, parseJobFileName } from './layout.ts';
import { isMarked } from './markers.ts';
import { forgetOwner, readOwner, verdictOf } from './owner.ts';
import { isOnlyName } from './one-name.ts';
import { readJob } from './read.ts';
import { endRemains, isStopped, letGoOn } from './remains.ts';
import { isTight, spendReserve } from './room.ts';
import { isPassing } from './trouble.ts';
import type { Held } from './write-tail.ts';

/** How a process ended, and what is known of one of the jobs it held; that of the others follows from `ending`. */
interface End {
  readonly ending: 'crashed' | 'stopped';
  readonly run: EndedRun | null;
}

const CRASHED: End = { ending: 'crashed', run: null };

export interface Recoverer {
  /** Our own name among owners: what we fence carries it, so that our death is seen too. */
  readonly owner: string;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Owners whose life is known without asking, such as our own children. */
  readonly isKnownAlive: (owner: string) => boolean;
  /** Aborted: a disk that refuses is not waited for any more; what is fenced is left to the next recoverer. */
  readonly giveUp?: AbortSignal;
}

/**
 * Looks at every directory in running/ and recovers those whose owner is proved dead; reports those it cannot judge.
 *
 * @returns whether there are owners whose life had to be asked for
 */
export async function recoverOrphans(context: SpoolContext, recoverer: Recoverer): Promise<boolean> {
  let hasAsked = false;
  let hasWaited = false;
  const directories = context.files.list(context.layout.running);
  for (const directory of directories) {
    const held = parseHeldName(directory);
    if (held === null) continue;
    const responsible = held.recoverer ?? held.owner;
    if (responsible === recoverer.owner) {
      // Ours to finish: fenced by us before, and something stopped us half-way.
      if (held.recoverer !== null) await recoverOrphan(context, recoverer, directory, held.owner);
      continue;
    }
    if (recoverer.isKnownAlive(responsible)) continue;
    if (hasWaited && !context.files.exists(`${context.layout.running}/${directory}`)) continue;
    hasAsked = true;
    const verdict = await verdictOf(context, responsible);
    if (verdict.verdict === 'alive' && held.recoverer === null && isStopped(context, held.owner)) {
      if (await hasLostParent(context, recoverer, held.owner, directories)) {
        letGoOn(context, held.owner);
        recoverer.onEvent?.({ kind: 'stood-still', owner: held.owner });
      }
    }
    if (verdict.verdict === 'dead') {
      if (!hasWaited && held.recoverer === null && (await hasParent(context, recoverer, held.owner, directories))) {
        await wait(PARENT_FIRST_MS);
        hasWaited = true;
      }
      // First: a job must not run again beside what its last run had started.
      const processes = endRemains(context, held.owner);
      if (processes > 0) recoverer.onEvent?.({ kind: 'remains', owner: held.owner, processes });
      await recoverOrphan(context, recoverer, directory, held.owner);
    }
    if (verdict.verdict === 'unknown')
      recoverer.onEvent?.({ kind: 'unproved', owner: responsible, reason: verdict.reason });
  }
  return hasAsked;
}

/** A directory that cannot be fenced or looked into stays where it is, and those behind it are recovered. */
async function recoverOrphan(
  context: SpoolContext,
  recoverer: Recoverer,
  directory: string,
  owner: string,
): Promise<void> {
  const path = `${context.layout.running}/${directory}`;
  await context.odd.tryLong(path, async () => {
    await recoverDirectory(context, recoverer, directory, owner, CRASHED);
  });
}

/** How long a worker has to hear of the death of its own children and to take what they held, ms: it takes a tenth of that. */
const PARENT_FIRST_MS = 100;

/**
 * True when somebody else lives whose child `owner` was. He knows how it ended, such as at a time limit or by order; who takes
 * its jobs before him can only count a crash.
 */
async function hasParent(
  context: SpoolContext,
  recoverer: Recoverer,
  owner: string,
  directories: readonly string[],
): Promise<boolean> {
  const parent = readOwner(context, owner)?.parent ?? null;
  if (parent === null || parent === recoverer.owner || !directories.includes(parent)) return false;
  return (await verdictOf(context, parent)).verdict === 'alive';
}

/** True of a worker's child whose worker is surely dead: nobody else will see to it. */
async function hasLostParent(
  context: SpoolContext,
  recoverer: Recoverer,
  owner: string,
  directories: readonly string[],
): Promise<boolean> {
  const parent = readOwner(context, owner)?.parent ?? null;
  if (parent === null || recoverer.isKnownAlive(parent)) return false;
  // Without a directory it has ended, or another has recovered it.
  return !directories.includes(parent) || (await verdictOf(context, parent)).verdict === 'dead';
}

/** How often one owner is tried to be recovered where the disk refuses, and how long after one another, ms. */
const TRIES = 20;
const TRY_EVERY_MS = 100;

/**
 * Recovers one owner that is known to be dead, such as a child that has exited. A disk that refuses is waited for a while:
 * who recovers it later does not know how it ended, and takes that for a crash.
 *
 * @returns whether it held any job
 */
export async function recoverOwner(
  context: SpoolContext,
  recoverer: Recoverer,
  owner: string,
  ending: End['ending'],
  run: EndedRun | null = null,
): Promise<boolean> {
  const mine = heldName(owner, recoverer.owner);
  for (let tries = 1; ; tries++) {
    try {
      const hasHeld = await recoverDirectory(context, recoverer, owner, owner, { ending, run });
      // Fenced by a try before this one, which the disk has stopped.
      return tries > 1 ? await recoverDirectory(context, recoverer, mine, owner, { ending, run }) : hasHeld;
    } catch (error) {
      if (tries === TRIES || !isPassing(error) || recoverer.giveUp?.aborted === true) throw error;
      await wait(TRY_EVERY_MS);
    }
  }
}

/**
 * The rename of the directory is the fence: of several recoverers one succeeds, and whatever the old owner still does by
 * path fails with ENOENT. If we die in between, the directory carries our name and the next recoverer takes it from us.
 *
 * @returns whether there was any job in it
 */
async function recoverDirectory(
  context: SpoolContext,
  recoverer: Recoverer,
  directory: string,
  owner: string,
  end: End,
): Promise<boolean> {
  const { files, layout, odd } = context;
  const fenced = `${layout.running}/${heldName(owner, recoverer.owner)}`;
  if (!fence(context, `${layout.running}/${directory}`, fenced)) return false;
  if (files.entry(fenced)?.kind !== 'directory') {
    setForeignAside(context, recoverer, fenced, owner);
    return false;
  }
  const held = files.list(fenced);
  if (held.length > 0 && isTight(context)) spendReserve(context);
  let left = 0;
  for (const fileName of held) {
    const act = (): Promise<void> => recoverJob(context, recoverer, fenced, fileName, owner, end);
    if (!(await odd.tryLong(`${fenced}/${fileName}`, act))) left++;
  }
  if (left > 0 && left === held.length) return true;
  // Each step is on disk before the next: after a power cut there is no directory left whose owner nobody can ask.
  if (held.length > 0) await syncDirectories(context, layout.results, layout.delayed, layout.pending);
  try {
    files.removeDirectory(fenced);
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return true; // Something came meanwhile: the next round takes it.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  await syncDirectories(context, layout.running);
  forgetOwner(context, owner);
  // Who fenced it before us is dead too, or we could not have taken it.
  const before = parseHeldName(directory)?.recoverer ?? null;
  if (before !== null && before !== recoverer.owner) forgetOwner(context, before);
  return held.length > 0;
}

async function recoverJob(
  context: SpoolContext,
  recoverer: Recoverer,
  directory: string,
  fileName: string,
  owner: string,
  end: End,
): Promise<void> {
  const { onEvent } = recoverer;
  const name = parseJobFileName(fileName);
  if (name === null) {
    return setForeignAside(context, recoverer, `${directory}/${fileName}`, fileName);
  }
  const claimed = { owner: recoverer.owner, directory, fileName, name, giveUp: recoverer.giveUp };
  const reading = readJob(context, `${directory}/${fileName}`, name.id);
  if (reading.kind === 'gone') return;
  if (reading.kind === 'corrupt') return setAside(context, claimed, reading.reason, onEvent);
  const { record } = reading.document;
  if (reading.links > 1) {
    const hasOutcome = record.outcome !== null;
    const path = `${directory}/${fileName}`;
    // What stays is looked at again in the next round.
    if (!isOnlyName(context, { path, name, takenFrom: null, hasOutcome })) return;
  }
  const held: Held = { ...claimed, record, baseBytes: reading.baseBytes, sizeBytes: reading.sizeBytes };
  if (hasOutcomeOf(record, name.attempt)) return publishAsItStands(context, held, onEvent);
  const nowMs = context.nowMs();
  const run = end.run?.id === name.id ? end.run : null;
  const isRevoked = isMarked(context, name.id);
  const hadBegun = !isRevoked || hadBegunRun(context, owner);
  // Ended while it wrote over the entries of earlier runs: they are gone, and only a crash has the counters say how many were retried.
  const hasLostEntries = reading.document.torn && name.attempt > 1;
  const died: Ending = { kind: hasLostEntries ? 'crashed' : end.ending };
  const ending: Ending = isRevoked ? { kind: 'revoked', hadBegun } : (run?.ending ?? died);
  const job = run === null ? record.job : { ...record.job, options: { ...run.defaults, ...record.job.options } };
  const settlement = settlementOf(ending, { job, standing: name, attempts: record.attempts }, nowMs, Math.random());
  const times = { ...(run === null ? {} : { startedAtMs: run.startedAtMs }), endedAtMs: nowMs, owner };
  await settle(context, held, settlement, hadBegun ? deathOf(held, settlement, times) : null, onEvent);
  onEvent?.({ kind: 'recovered', id: name.id, owner, ending: ending.kind, settlement });
}

/** False of what a process held that runs nothing: it had taken the job to revoke it. */
function hadBegunRun(context: SpoolContext, owner: string): boolean {
  return readOwner(context, owner)?.role !== 'supervisor';
}

/** Moves what fsq never makes out of the way, unread: a link would lead out of the spool. */
function setForeignAside(context: SpoolContext, recoverer: Recoverer, path: string, name: string): void {
  const { files, layout } = context;
  try {
    files.rename(path, `${layout.corrupt}/${context.uniqueName()}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return; // Another recoverer was faster.
    throw error;
  }
  recoverer.onEvent?.({ kind: 'foreign', name });
}

/** The entry for the run that the death ended, unless a recoverer before us has written it. */
function deathOf(
  { name, record }: Held,
  settlement: Settlement,
  times: Pick<Attempt, 'startedAtMs' | 'endedAtMs' | 'owner'>,
): Attempt | null {
  if (record.attempts.at(-1)?.attempt === name.attempt) return null;
  if (settlement.kind === 'rerun') return { attempt: name.attempt, ...times, error: settlement.error };
  if (settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded') {
    return { attempt: name.attempt, ...times, error: settlement.outcome.error };
  }
  return null;
}
