/** Taking back what one dead process held: first the fence, then each job by one rename. */
import type { Death, EndedRun } from '../../broker/worker-side.ts';
import type { Attempt } from '../../job/job.ts';
import { type Ending, type Settlement, settlementOf } from '../../job/lifecycle.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import type { DiskWaiter } from '../disk/disk-wait.ts';
import { hasCode } from '../disk/files.ts';
import type { Held, HeldFile, Holder } from '../job-file/holder.ts';
import { removeIfEmpty, succeeds } from '../disk/if-there.ts';
import { fencedDirectory, parseOwnerDirectory, parseJobFileName } from '../layout.ts';
import { isMarked, isToBeKilled } from '../notes/notes.ts';
import { openTaken } from '../claims/claim.ts';
import { forgetOwner } from '../owners/owner.ts';
import { readOwner } from '../owners/owner-record.ts';
import { isTight, spendReserve } from '../place/room.ts';
import { setForeignAside } from '../job-file/set-aside.ts';
import { settle } from '../claims/settle.ts';

/** A process that takes back what others held. When it gives up waiting for the disk, the next recoverer goes on. */
export interface Recoverer extends DiskWaiter {
  /** Its name among owners: what it fences carries it, so that its death is seen too. */
  readonly owner: string;
  /** Owners whose life is known without asking, such as its own children. */
  readonly isKnownAlive: (owner: string) => boolean;
  /** How its children ended whose jobs it could not take back at once: it alone knows. By their names as owners. */
  readonly ended?: ReadonlyMap<string, Dead>;
}

/** A dead process, how it ended, and what is known of one of the jobs it held; that of the others follows from `ending`. */
export interface Dead {
  readonly owner: string;
  readonly ending: Death;
  readonly run: EndedRun | null;
  /** When it ended, Unix ms; absent: nobody has seen that. */
  readonly diedAtMs?: number;
}

/**
 * Takes back what lies in `directory` of running/, in which surely no living process works.
 *
 * The rename of the directory is the fence: of several recoverers one succeeds, and whatever the old owner still does by
 * path fails with ENOENT. If we die in between, the directory carries our name and the next recoverer takes it from us.
 *
 * @returns whether there was any job in it
 */
export async function takeBack(
  context: SpoolContext,
  recoverer: Recoverer,
  directory: string,
  dead: Dead,
): Promise<boolean> {
  const { files, layout, odd } = context;
  const { owner, onEvent, giveUp } = recoverer;
  const fenced = `${layout.running}/${fencedDirectory(dead.owner, owner)}`;
  const how = fence(context, `${layout.running}/${directory}`, fenced);
  if (how === null) return false;
  if (files.entry(fenced)?.kind !== 'directory') {
    if (setForeignAside(context, fenced)) onEvent?.({ kind: 'foreign', name: dead.owner });
    return false;
  }
  const holder: Holder = { owner, directory: fenced, onEvent, giveUp };
  const held = files.list(fenced);
  if (held.length > 0 && isTight(context)) spendReserve(context);
  const ending = wasKilledForOne(context, held, dead) ? 'interrupted' : dead.ending;
  let left = 0;
  for (const fileName of held) {
    const act = (): Promise<void> => takeBackFile(context, holder, fileName, { ...dead, ending, how });
    if (!(await odd.tryLong(`${fenced}/${fileName}`, act))) left++;
  }
  if (left > 0 && left === held.length) return true;
  // Each step is on disk before the next: after a power cut there is no directory left whose owner nobody can ask.
  if (held.length > 0) await syncDirectories(context, layout.results, layout.delayed, layout.pending);
  if (!removeIfEmpty(files, fenced)) return true; // Something came meanwhile: the next round takes it.
  await syncDirectories(context, layout.running);
  forgetOwner(context, dead.owner);
  // A recoverer that fenced it before us is dead too, or we could not have taken it.
  const before = parseOwnerDirectory(directory)?.recoverer ?? null;
  if (before !== null && before !== owner) forgetOwner(context, before);
  return held.length > 0;
}

/** One of several jobs was to be ended with its process, which had no worker any more that could tell so: the others are innocent. */
function wasKilledForOne(context: SpoolContext, held: readonly string[], { ending, run }: Dead): boolean {
  if (held.length < 2 || ending !== 'crashed' || run !== null) return false;
  return held.some((fileName) => {
    const id = parseJobFileName(fileName)?.id;
    return id !== undefined && isToBeKilled(context, id);
  });
}

/** Whether the files of what was fenced are as their claims have left them. */
type Fenced = 'whole' | 'one by one';

/** Fences the directory `from` under the name `to`. Null when another recoverer was faster. */
function fence(context: SpoolContext, from: string, to: string): Fenced | null {
  try {
    return tryRename(context, from, to) ? 'whole' : null;
  } catch (error) {
    if (!hasCode(error, 'EXDEV')) throw error;
    moveOneByOne(context, from, to);
    return 'one by one';
  }
}

/**
 * In the lower layer of an overlay a directory cannot be renamed, its files can. It came with the image, so no process works in it
 * any more that a fence would have to stop; of several recoverers each gets some of the files. If we die in between,
 * the next takes the rest and what carries our name.
 */
function moveOneByOne(context: SpoolContext, from: string, to: string): void {
  const { files } = context;
  if (!files.exists(to)) files.makeDirectory(to);
  const moveAll = (): void => {
    for (const name of files.list(from)) tryRename(context, `${from}/${name}`, `${to}/${name}`);
    files.removeDirectory(from);
  };
  // Another recoverer was here, or is still: what it took is its own.
  succeeds(moveAll, 'ENOENT', 'ENOTEMPTY', 'EEXIST');
}

/** False when another recoverer was faster. */
function tryRename({ files }: SpoolContext, from: string, to: string): boolean {
  return from === to || succeeds(() => files.rename(from, to), 'ENOENT', 'ENOTEMPTY', 'EEXIST');
}

async function takeBackFile(
  context: SpoolContext,
  holder: Holder,
  fileName: string,
  { how, ...dead }: Dead & { readonly how: Fenced },
): Promise<void> {
  const path = `${holder.directory}/${fileName}`;
  const name = parseJobFileName(fileName);
  if (name === null) {
    if (setForeignAside(context, path)) holder.onEvent?.({ kind: 'foreign', name: fileName });
    return;
  }
  const file: HeldFile = { holder, path, name };
  const opened = await openTaken(context, file, null);
  if (typeof opened === 'string') return; // Of a job that has other names what stays is looked at again in the next round.
  const nowMs = context.nowMs();
  const run = dead.run?.id === name.id ? dead.run : null;
  // Its holder was about to give it new arguments (new-arguments.ts): a claim looks when it is due.
  if (name.attempt === 0) return settle(context, opened, { kind: 'requeue' }, null);
  const isRevoked = isMarked(context, name.id);
  const hadBegun = !isRevoked || hadBegunRun(context, dead.owner);
  const ending = isRevoked ? ({ kind: 'revoked', hadBegun } as const) : (run?.ending ?? deathIn(opened, dead));
  const { job: sent, attempts, kept } = opened.record;
  const job = run === null ? sent : { ...sent, options: { ...run.defaults, ...sent.options } };
  const settlement = settlementOf(
    ending,
    { job, standing: name, attempts, again: kept.again ?? 0 },
    nowMs,
    Math.random(),
  );
  const startedAtMs = run?.startedAtMs ?? (how === 'whole' ? claimTime(opened) : undefined);
  const times = { ...(startedAtMs === undefined ? {} : { startedAtMs }), endedAtMs: nowMs, owner: dead.owner };
  await settle(context, opened, settlement, hadBegun ? attemptOf(opened, settlement, times) : null);
  const ranMs = hadBegun ? ranFor(startedAtMs, dead) : null;
  holder.onEvent?.({
    kind: 'recovered',
    job,
    standing: name,
    owner: dead.owner,
    ending: ending.kind,
    settlement,
    ranMs,
  });
}

function ranFor(startedAtMs: number | undefined, { diedAtMs }: Dead): number | null {
  return diedAtMs === undefined || startedAtMs === undefined ? null : Math.max(0, Math.round(diedAtMs - startedAtMs));
}

/** The kernel dates a claim by a clock that is behind by up to a tick, ms. */
const TICK_MS = 10;

/**
 * When the run began, by its claim: a rename, which is the last change of the file unless the process has begun to write to it since. Of a job
 * that was claimed before it was due, or after it had expired, no run began.
 */
function claimTime({ torn, record, changedAtMs }: Held): number | undefined {
  const { etaMs = 0, expiresAtMs = Number.POSITIVE_INFINITY } = record.job.options;
  const atMs = Math.floor(changedAtMs);
  return torn || atMs > expiresAtMs || atMs + TICK_MS < etaMs ? undefined : Math.max(atMs, etaMs);
}

/** False of a process that runs nothing: it had taken the job to revoke it. */
function hadBegunRun(context: SpoolContext, owner: string): boolean {
  return readOwner(context, owner)?.role !== 'supervisor';
}

/** A process that died while it wrote over the entries of earlier runs has lost them: only a crash has the counters say how many were retried. */
function deathIn({ torn, name }: Held, { ending }: Dead): Ending {
  const hasLostEntries = torn && name.attempt > 1;
  return { kind: hasLostEntries ? 'crashed' : ending };
}

/** The entry for the run that the death ended, unless a recoverer before us has written it. */
function attemptOf(
  { name, record }: Held,
  settlement: Settlement,
  times: Pick<Attempt, 'startedAtMs' | 'endedAtMs' | 'owner'>,
): Attempt | null {
  if (record.attempts.at(-1)?.attempt === name.attempt) return null;
  if (settlement.kind === 'rerun') {
    const { error, uncounted } = settlement;
    return { attempt: name.attempt, ...times, error, ...(uncounted === undefined ? {} : { uncounted }) };
  }
  if (settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded') {
    return { attempt: name.attempt, ...times, error: settlement.outcome.error };
  }
  return null;
}
