/**
 * Which job stands for a key. In the key's directory a job has a **key holder**, `<id>` or `<id>.<until>`, and before it is accepted also
 * its **draft**, `<id>.json`, which is made first. One rename of the draft decides: to pending/ or delayed/ it accepts the job; onto
 * the holder, which is empty until then, it makes the holder void.
 *
 *   draft and holder          undecided: the first of its producer and its rivals decides
 *   an empty holder alone     accepted: the job stands for the key until it starts or ends, or for a time
 *   a holder with content     void: the job was not accepted, and never will be
 *   a draft alone             its producer has not looked for rivals yet
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob } from '../../broker/broker.ts';
import { SpoolError } from '../../job/errors.ts';
import { isId } from '../../job/names.ts';
import type { Uniqueness } from '../../job/job-options.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { discard, listIfThere, makeDirectory, renameIfThere } from '../disk/if-there.ts';
import { jobFileName, type Layout, resultFileName, timeDigits } from '../layout.ts';
import { locate } from '../locate.ts';

/** What lies in a key's directory for a job: it stands for the key, to some time at least if it has one. */
interface KeyHolderName {
  readonly id: string;
  /** Unix ms. */
  readonly untilMs: number | null;
}

const KEY_DIRECTORY = /^[0-9a-f]{64}$/;
const HOLDER = /^([0-9a-f-]{36})(?:\.(\d{13}))?$/;

/** `keys/<hash>`: a key may hold any character and be longer than a name, and must not be one key with another task's. */
export function keyDirectory(layout: Layout, task: string, key: string): string {
  // Loaded by the first job with a key: to import the library must not cost it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return `${layout.keys}/${createHash('sha256').update(`${task}\0${key}`).digest('hex')}`;
}

/** True of the SHA-256 of a task's name, a NUL and a key, in hexadecimal. */
export function isKeyDirectory(hash: string): boolean {
  return KEY_DIRECTORY.test(hash);
}

export function parseKeyHolderName(fileName: string): KeyHolderName | null {
  const [, id = '', until] = HOLDER.exec(fileName) ?? [];
  return isId(id) ? { id, untilMs: until === undefined ? null : Number(until) } : null;
}

/** How often a directory is made again that a sweep has removed at once. */
const TRIES = 50;

/**
 * Renames `from` to `directory/name`; makes the directory, and keys/ in a spool of an older fsq, where they are missing.
 *
 * @throws SpoolError when something else has its name; the system error
 */
export async function moveIn(context: SpoolContext, from: string, directory: string, name: string): Promise<void> {
  const { files } = context;
  for (let left = TRIES; ; left--) {
    try {
      const entry = files.entry(directory);
      // A link of that name would lead what is written out of the spool.
      if (entry !== null && entry.kind !== 'directory')
        throw new SpoolError('FSQ_SPOOL', `${directory} is not a folder. Move it away, fsq makes that folder itself.`);
      if (entry === null) await makeKeyDirectory(context, directory);
      return files.rename(from, `${directory}/${name}`);
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || left === 0) throw error;
    }
  }
}

async function makeKeyDirectory(context: SpoolContext, directory: string): Promise<void> {
  const { files, layout } = context;
  if (!files.exists(layout.keys)) {
    makeDirectory(files, layout.keys);
    await syncDirectories(context, layout.root);
  }
  makeDirectory(files, directory);
}

/** A holder as found in its directory. */
export interface KeyHolder extends KeyHolderName {
  readonly path: string;
  /** The path of its draft, whether that is there or not. */
  readonly draft: string;
}

/**
 * The state of a key holder, for a producer that wants its key. `blocks`: its job stands for the new one. `passes`: it does not, and its job
 * has not ended. A holder that is `void`, or whose job is `ended` or `lost`, stands for nothing any more.
 */
export type KeyHolderState = 'undecided' | 'blocks' | 'passes' | 'void' | 'ended' | 'lost' | 'gone';

/** The holders in `directory`, the oldest first; none where there is no such directory. */
export function keyHoldersIn({ files }: SpoolContext, directory: string): readonly KeyHolder[] {
  return listIfThere(files, directory)
    .toSorted()
    .flatMap((fileName) => keyHolderAt(directory, fileName) ?? []);
}

export function keyHolderAt(directory: string, fileName: string): KeyHolder | null {
  const name = parseKeyHolderName(fileName);
  return name === null ? null : keyHolderOf(directory, name);
}

/** The holder of that name, whether it is there or not. */
export function keyHolderOf(directory: string, { id, untilMs }: KeyHolderName): KeyHolder {
  const fileName = untilMs === null ? id : `${id}.${timeDigits(untilMs)}`;
  return { id, untilMs, path: `${directory}/${fileName}`, draft: `${directory}/${resultFileName(id)}` };
}

/** @param rival the job that wants the key: the one that has it most likely has the same queue and priority */
export async function judge(
  context: SpoolContext,
  holder: KeyHolder,
  rival: Pick<NewJob, 'queue' | 'priority'>,
  until: Uniqueness['until'],
): Promise<KeyHolderState> {
  const { files, nowMs } = context;
  if (await isUndecided(context, holder)) return 'undecided';
  const entry = files.entry(holder.path);
  if (entry === null) return 'gone';
  if (entry.sizeBytes > 0) return 'void';
  if (holder.untilMs !== null && nowMs() < holder.untilMs) return 'blocks';
  const stage = await stageOf(context, holder.id, rival);
  switch (stage) {
    case 'ended':
    case 'lost':
      return stage;
    case 'waits':
      return until === 'started' || isKeptOut(holder, until) ? 'blocks' : 'passes';
    case 'runs':
      if (isKeptOut(holder, until)) return 'blocks';
      // A job that a limit holds back is claimed for a moment and put back.
      await wait(HELD_BACK_AFTER_MS);
      return (await stageOf(context, holder.id, rival)) === 'waits' ? 'blocks' : 'passes';
  }
}

/**
 * True while its draft is there. After a power cut a draft may be a second name of the file of an accepted job (one-name.ts): then
 * the draft is removed.
 */
export async function isUndecided(
  context: SpoolContext,
  { id, draft }: Pick<KeyHolder, 'id' | 'draft'>,
): Promise<boolean> {
  const links = context.files.entry(draft)?.links ?? 0;
  if (links <= 1 || !(await locate(context, new Set([id]))).has(id)) return links > 0;
  discard(context.files, draft);
  return false;
}

/**
 * Whether a job that has not ended keeps out a rival with this `until`. A job whose own time is over does not keep out a
 * rival with a time.
 */
function isKeptOut({ untilMs }: KeyHolderName, until: Uniqueness['until']): boolean {
  return until === 'ended' || (until !== 'started' && untilMs === null);
}

/** So long after its claim a job that is over a limit is back in pending/, ms, unless its process is stopped. */
const HELD_BACK_AFTER_MS = 10;

async function stageOf(
  context: SpoolContext,
  id: string,
  { queue, priority }: Pick<NewJob, 'queue' | 'priority'>,
): Promise<'waits' | 'runs' | 'ended' | 'lost'> {
  const { files, layout } = context;
  // Spares a look through all jobs that wait. A file with several names may have ended under another of them.
  const first = jobFileName({ id, queue, priority, attempt: 0, crashes: 0 });
  if (files.entry(`${layout.pending}/${first}`)?.links === 1) return 'waits';
  // A single look may miss a job that moves. Were it taken for lost, a second job would be accepted beside it.
  const spot = (await locate(context, new Set([id]))).get(id);
  if (spot === undefined) return 'lost';
  if (spot.at === 'results') return 'ended';
  // One that gets new arguments is held for that, and no attempt has begun.
  return spot.at === 'held' && spot.name.attempt > 0 ? 'runs' : 'waits';
}

/** Keeps an undecided holder's job from being accepted. False when it has been decided meanwhile. */
export function makeVoid({ files }: SpoolContext, { draft, path }: Pick<KeyHolder, 'draft' | 'path'>): boolean {
  return renameIfThere(files, draft, path);
}

/** From now on the job stands for its key as long as it waits or runs, and no longer for a time. */
export function settleHolder({ files }: SpoolContext, { path, id }: KeyHolder): void {
  const directory = path.slice(0, path.lastIndexOf('/'));
  renameIfThere(files, path, keyHolderOf(directory, { id, untilMs: null }).path);
}

/** Removes a holder that stands for nothing. The end of its job reaches the disk first: else a power cut could bring the job back. */
export async function clear(context: SpoolContext, { path }: KeyHolder, verdict: KeyHolderState): Promise<void> {
  if (verdict !== 'void' && verdict !== 'ended' && verdict !== 'lost') return;
  if (verdict === 'ended') await syncDirectories(context, context.layout.results);
  discard(context.files, path);
}
