/**
 * Who stands for a key. In its directory a job has a **holder**, `<id>` or `<id>.<until>`, and before it is accepted also its
 * **draft**, `<id>.json`, which is there first. The draft's one rename decides: to where jobs wait it accepts the job; onto
 * the holder, which is empty until then, it makes the holder void.
 *
 *   draft and holder          undecided: whoever is faster, its producer or a rival, decides
 *   an empty holder alone     accepted: it stands for the key as long as its job, or its time, says
 *   a holder with content     void: never accepted, and never will be
 *   a draft alone             its producer has not looked for rivals yet
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob } from '../../broker/broker.ts';
import type { Uniqueness } from '../../job/job-options.ts';
import { type SpoolContext, syncDirectories } from '../context.ts';
import { discard, listIfThere, renameIfThere } from '../if-there.ts';
import { jobFileName, resultFileName } from '../layout.ts';
import { locate } from '../locate.ts';
import { type HolderName, parseHolderName } from './key-directory.ts';

/** A holder as found in its directory. */
export interface Holder extends HolderName {
  readonly path: string;
  /** Of its draft, whether it is there or not. */
  readonly draft: string;
}

/**
 * What a holder is to somebody who wants its key. `blocks`: its job stands for the new one. `passes`: it does not, and its
 * job has not ended. `void`, `ended` and `lost` stand for nothing any more.
 */
export type Verdict = 'undecided' | 'blocks' | 'passes' | 'void' | 'ended' | 'lost' | 'gone';

/** Those of `directory`, the oldest first; none where there is no such directory. */
export function holdersIn({ files }: SpoolContext, directory: string): readonly Holder[] {
  return listIfThere(files, directory)
    .toSorted()
    .flatMap((fileName) => holderAt(directory, fileName) ?? []);
}

export function holderAt(directory: string, fileName: string): Holder | null {
  const name = parseHolderName(fileName);
  if (name === null) return null;
  return { ...name, path: `${directory}/${fileName}`, draft: `${directory}/${resultFileName(name.id)}` };
}

/** @param rival a job that wants the key: most likely the one that has it went the same way */
export async function judge(
  context: SpoolContext,
  holder: Holder,
  rival: Pick<NewJob, 'queue' | 'priority'>,
  until: Uniqueness['until'],
): Promise<Verdict> {
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
      // One that a limit holds back is claimed for a moment and put back.
      await wait(HELD_BACK_AFTER_MS);
      return (await stageOf(context, holder.id, rival)) === 'waits' ? 'blocks' : 'passes';
  }
}

/**
 * True while its draft is there. After a power cut a draft may be a second name of the file of an accepted job (see one-name.ts),
 * which is then removed.
 */
export async function isUndecided(
  context: SpoolContext,
  { id, draft }: Pick<Holder, 'id' | 'draft'>,
): Promise<boolean> {
  const links = context.files.entry(draft)?.links ?? 0;
  if (links <= 1 || !(await locate(context, new Set([id]))).has(id)) return links > 0;
  discard(context.files, draft);
  return false;
}

/** Whether a job that has not ended keeps out who asks `until`. One that stood for a time no longer keeps out who asks for a time. */
function isKeptOut({ untilMs }: HolderName, until: Uniqueness['until']): boolean {
  return until === 'ended' || (until !== 'started' && untilMs === null);
}

/** How long after its claim a job that is held back at a limit is surely back where it waited, ms, but for a process that is stopped. */
const HELD_BACK_AFTER_MS = 10;

async function stageOf(
  context: SpoolContext,
  id: string,
  { queue, priority }: Pick<NewJob, 'queue' | 'priority'>,
): Promise<'waits' | 'runs' | 'ended' | 'lost'> {
  const { files, layout } = context;
  // Spares a look through all that wait. A file with several names may have ended under another.
  const first = jobFileName({ id, queue, priority, attempt: 0, crashes: 0 });
  if (files.entry(`${layout.pending}/${first}`)?.links === 1) return 'waits';
  // One look misses a job that moves meanwhile; taken for lost, a second would be let in beside it.
  const spot = (await locate(context, new Set([id]))).get(id);
  if (spot === undefined) return 'lost';
  return spot.at === 'results' ? 'ended' : spot.at === 'held' ? 'runs' : 'waits';
}

/** Takes the chance of an undecided one away, unless it has been decided meanwhile. */
export function makeVoid({ files }: SpoolContext, { draft, path }: Pick<Holder, 'draft' | 'path'>): boolean {
  return renameIfThere(files, draft, path);
}

/** Removes a holder that stands for nothing. That its job has ended reaches the disk first: a power cut could bring the job back. */
export async function clear(context: SpoolContext, { path }: Holder, verdict: Verdict): Promise<void> {
  if (verdict !== 'void' && verdict !== 'ended' && verdict !== 'lost') return;
  if (verdict === 'ended') await syncDirectories(context, context.layout.results);
  discard(context.files, path);
}
