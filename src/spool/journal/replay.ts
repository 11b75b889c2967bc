/**
 * What the journal is for: after a power cut each job that it records is there, whole.
 *
 * ```text
 *   journal/<boot>  ── rename: one process has all of that boot ──►  journal/<boot>~<this boot>~<replayer>  ── all is durable ──►  removed
 *                                                                     └── the replayer has died ──► <boot>~<this boot>~<another>
 * ```
 *
 * A folder of another boot than this one can only be of the dead. As long as there is one nobody claims, sends, expires or looks for a
 * job. If the replayer dies, or the power goes again, it is all done again: a job that is there and whole is left as it is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { idTimeMs } from '../../job/names.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Files } from '../disk/files.ts';
import { writerState } from '../disk/identity.ts';
import { discard, listIfReadable, removeIfEmpty, renameIfThere, walkIfReadable } from '../disk/if-there.ts';
import { endedSpot, heldSpots, movingSpots, type Spot, waitingSpots } from '../locate.ts';
import { Turns } from '../disk/rounds.ts';
import { setForeignAside } from '../job-file/set-aside.ts';
import { makeDurable, usableBoot } from './checkpoint.ts';
import { dropBroken } from './broken-files.ts';
import { farther, restore } from './restore.ts';
import { type Entry, listPatiently, readPatiently, setSegmentAside } from './segment.ts';

/** What a replay did. */
export interface Replayed {
  /** Jobs that were nowhere, or broken, and are whole again. */
  readonly restored: number;
  /** Files that the power cut broke and that no record names: nobody was told that these jobs are accepted. */
  readonly dropped: number;
  /** What lay in the journal and is no segment: moved to corrupt/. */
  readonly odd: readonly string[];
  readonly tookMs: number;
}

/** How often it is looked whether another process has ended its replay, ms. */
const LOOK_EVERY_MS = 10;
/** A replayer that nobody can ask, such as one of another container, counts as dead after this time, ms. */
const REPLAYER_UNPROVED_MS = 60_000;
/** How often it is tried to give back what could not be replayed, ms. */
const GIVE_BACK_EVERY_MS = 1_000;
/** The ids of a great call are made this much before the last of its jobs is written, ms. */
const EARLIER_MS = 60_000;

/** The folders in the journal that have to be replayed first; none where this system cannot tell one boot from another. */
export function foreignFolders(context: SpoolContext): { readonly boot: string; readonly folders: readonly string[] } {
  const { files, layout } = context;
  // A link would lead out of the spool.
  const names = files.entry(layout.journal)?.kind === 'directory' ? listIfReadable(files, layout.journal) : [];
  const boot = names.length === 0 ? null : usableBoot(context);
  return { boot: boot ?? '', folders: boot === null ? [] : names.filter((name) => name !== boot) };
}

/**
 * Replays what an earlier boot has left, or waits for the process that does. Once it has ended, nothing is left until the next boot.
 *
 * @param holdsProcess false: to wait for another process does not keep this one alive
 * @throws the system error when the disk refuses; then it has to be done again
 */
export async function replay(context: SpoolContext, holdsProcess: boolean = true): Promise<Replayed> {
  const done: Progress = { restored: 0, dropped: 0, odd: [] };
  const beganAt = performance.now();
  for (;;) {
    const { boot, folders } = foreignFolders(context);
    if (folders.length === 0) return { ...done, tookMs: Math.round(performance.now() - beganAt) };
    for (const name of folders) {
      const path = `${context.layout.journal}/${name}`;
      if (context.files.entry(path)?.kind !== 'directory') {
        if (setForeignAside(context, path)) done.odd.push(`${name}: it is no folder`);
      } else {
        const ours = takeFolder(context, name, boot);
        if (ours === null) await wait(LOOK_EVERY_MS, undefined, { ref: holdsProcess });
        else await replayOurs(context, ours, done);
      }
    }
  }
}

/** Null while it is another's. */
function takeFolder(context: SpoolContext, name: string, boot: string): string | null {
  const { files, layout, uniqueName, nowMs } = context;
  const [ofBoot = '', replayersBoot, replayer = ''] = name.split('~');
  const path = `${layout.journal}/${name}`;
  if (replayersBoot === boot) {
    const state = writerState(files, replayer);
    if (state === 'alive') return null;
    const entry = files.entry(path);
    if (state === 'unproved' && entry !== null && nowMs() - entry.changedAtMs < REPLAYER_UNPROVED_MS) return null;
  }
  // Whatever it is called: not longer than a name may be.
  const ours = `${layout.journal}/${ofBoot.slice(0, boot.length)}~${boot}~${uniqueName()}`;
  return renameIfThere(files, path, ours) ? ours : null;
}

/** The process that replays the folder `name`; null when there is none, or it does not surely live. */
export function replayerOf(files: Files, name: string): number | null {
  const replayer = name.split('~')[2] ?? '';
  return writerState(files, replayer) === 'alive' ? Number.parseInt(replayer, 10) : null;
}

interface Progress {
  restored: number;
  dropped: number;
  readonly odd: string[];
}

/** If the disk refuses, the folder is given back: this process or another takes it when it asks again. */
async function replayOurs(context: SpoolContext, folder: string, done: Progress): Promise<void> {
  try {
    await replayFolder(context, folder, done);
  } catch (error) {
    giveBack(context, folder);
    throw error;
  }
}

/** The name is the sign that we replay it: while we live nobody else does. A disk that refuses this too may take it later. */
function giveBack(context: SpoolContext, folder: string): void {
  const { files, layout } = context;
  const [ofBoot = ''] = folder.slice(layout.journal.length + 1).split('~');
  try {
    renameIfThere(files, folder, `${layout.journal}/${ofBoot}`);
  } catch {
    setTimeout(() => giveBack(context, folder), GIVE_BACK_EVERY_MS).unref();
  }
}

async function replayFolder(context: SpoolContext, folder: string, done: Progress): Promise<void> {
  const names = await listPatiently(context, folder);
  if (typeof names === 'string') {
    if (setSegmentAside(context, folder)) done.odd.push(`${folder.slice(folder.lastIndexOf('/') + 1)}: ${names}`);
    return context.directorySync.sync(context.layout.journal);
  }
  const { entries, sinceMs, odd } = await readFolder(context, folder, names);
  const spots = spotsOf(context, entries);
  const mayWrite = (): void => refuseFenced(context, folder);
  const turns = new Turns();
  for (const entry of entries.values()) {
    if (turns.isOver) await turns.next();
    if (await restore(context, spots.get(entry.id) ?? [], entry, mayWrite)) done.restored++;
  }
  const isAll = odd.size === 0 && done.odd.length === 0;
  done.dropped += await dropBroken(context, { recorded: entries, isAll, sinceMs: sinceMs - EARLIER_MS });
  // What was found whole may be what a replayer wrote who died before this.
  if (!(await makeDurable(context, () => new Set(entries.keys()))))
    throw new Error('the jobs are not surely on the disk');
  // Not before: whoever takes the folder on must know that it does not tell of all jobs.
  for (const [name, reason] of odd)
    if (setSegmentAside(context, `${folder}/${name}`)) done.odd.push(`${name}: ${reason}`);
  await remove(context, folder);
}

/** All names that the recorded jobs have. */
function spotsOf(context: SpoolContext, entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, readonly Spot[]> {
  const spots = new Map<string, Spot[]>();
  const add = (spot: Spot): void => {
    if (spots.get(spot.id)?.push(spot) === undefined) spots.set(spot.id, [spot]);
  };
  const isRecorded = (id: string): boolean => entries.has(id);
  for (const spot of waitingSpots(context, isRecorded, walkIfReadable)) if (spot !== null) add(spot);
  for (const spot of heldSpots(context, isRecorded)) add(spot);
  for (const spot of movingSpots(context, isRecorded)) add(spot);
  for (const id of entries.keys()) {
    const spot = endedSpot(context.layout, id);
    if (context.files.exists(spot.path)) add(spot);
  }
  return spots;
}

interface Recorded {
  readonly entries: ReadonlyMap<string, Entry>;
  /** When the first was sent; of a segment without records, when it was written last. */
  readonly sinceMs: number;
  /** What cannot be read, by name, and why: nobody knows which jobs it records. */
  readonly odd: ReadonlyMap<string, string>;
}

/** All that the segments of a folder tell. */
async function readFolder(context: SpoolContext, folder: string, names: readonly string[]): Promise<Recorded> {
  const entries = new Map<string, Entry>();
  const odd = new Map<string, string>();
  let sinceMs = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const path = `${folder}/${name}`;
    const segment = await readPatiently(context, path);
    if (segment.kind === 'odd') odd.set(name, segment.reason);
    if (segment.kind !== 'segment') continue;
    if (segment.entries.length === 0) sinceMs = Math.min(sinceMs, context.files.entry(path)?.modifiedAtMs ?? sinceMs);
    for (const entry of segment.entries) {
      const other = entries.get(entry.id);
      entries.set(entry.id, other === undefined ? entry : farther(other, entry));
      sinceMs = Math.min(sinceMs, idTimeMs(entry.id));
    }
  }
  return { entries, sinceMs, odd };
}

/** A replayer that stood still for long enough to count as dead must not make a job that runs already. */
function refuseFenced({ files }: SpoolContext, folder: string): void {
  if (!files.exists(folder)) throw new Error(`another process has taken ${folder}`);
}

/**
 * On the disk too: were it there again after the next power cut, jobs could run that have ended and expired since. What cannot be removed,
 * such as an immutable file, goes to corrupt/ with the folder.
 */
async function remove({ files, layout, directorySync, uniqueName }: SpoolContext, folder: string): Promise<void> {
  for (const name of files.list(folder)) discard(files, `${folder}/${name}`);
  await directorySync.sync(folder);
  if (!removeIfEmpty(files, folder)) renameIfThere(files, folder, `${layout.corrupt}/replayed.${uniqueName()}`);
  await directorySync.sync(layout.journal);
}
