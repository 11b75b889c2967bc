/** Forgetting outcomes after their time to live: their files become spare ones, or are removed when there are enough of those. */
import { idTimeMs } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { discard, renameIfThere } from '../disk/if-there.ts';
import { parseResultFileName } from '../layout.ts';
import { emptySpare, isFull, isTight } from '../place/room.ts';
import { Turns } from '../disk/rounds.ts';

/** Files to a directory in spare/, and directories in spare/ at most: 20,000 files. */
const BATCH = 1_000;
const MOST_BATCHES = 20;

/**
 * Forgets outcomes of jobs that ended more than `ttlMs` ago by the wall clock.
 *
 * A batch is gathered in tmp/ and moved to spare/ only when its renames are durable. Were a file written again before that, a
 * power cut could show the new content under the old outcome's name. If we die in between, the sweep of tmp/ moves the batch on.
 *
 * @param isOver given the mtime of such an outcome, false keeps it for now
 */
export async function forgetOutcomes(
  context: SpoolContext,
  ttlMs: number,
  isOver: (modifiedAtMs: number) => boolean = () => true,
  turns: Turns = new Turns(),
): Promise<void> {
  const { files, layout, nowMs } = context;
  const latest = nowMs() - ttlMs;
  // Spare files take up a place on the disk that is needed now.
  if (isTight(context)) emptySpare(context);
  let batch: string[] = [];
  for (const fileName of files.walk(layout.results)) {
    if (turns.isOver) await turns.next();
    const id = parseResultFileName(fileName);
    if (id === null || (isTimed(id) && idTimeMs(id) > latest)) continue;
    const endedAtMs = endOf(context, `${layout.results}/${fileName}`);
    if (endedAtMs === null || endedAtMs > latest || !isOver(endedAtMs)) continue;
    batch.push(fileName);
    if (batch.length < BATCH) continue;
    await retire(context, batch, turns);
    batch = [];
  }
  if (batch.length > 0) await retire(context, batch, turns);
}

/** The id of a job that ended cannot be younger than its end; version 7 ids tell their time without a look at the file. */
function isTimed(id: string): boolean {
  return id[14] === '7';
}

/** Null when it is gone, or cannot be looked at: a broken inode must not keep the outcomes behind it. */
function endOf({ files, odd }: SpoolContext, path: string): number | null {
  if (odd.isLeftAlone(path)) return null;
  try {
    return files.entry(path)?.modifiedAtMs ?? null;
  } catch (error) {
    odd.leaveAlone(path, error);
    return null;
  }
}

async function retire(context: SpoolContext, fileNames: readonly string[], turns: Turns): Promise<void> {
  const { files, layout, odd } = context;
  const name = context.uniqueName();
  const gathered = `${layout.tmp}/${name}`;
  if (!makeBatch(context, gathered)) {
    for (const fileName of fileNames) {
      const path = `${layout.results}/${fileName}`;
      odd.try(path, () => void discard(context.files, path));
      if (turns.isOver) await turns.next();
    }
    return;
  }
  for (const fileName of fileNames) {
    const from = `${layout.results}/${fileName}`;
    odd.try(from, () => void renameIfThere(files, from, `${gathered}/${fileName}`)); // Another worker may do the same.
    if (turns.isOver) await turns.next();
  }
  await syncDirectories(context, layout.results, gathered);
  files.rename(gathered, `${layout.spare}/${name}`);
}

/** False where the outcomes are to be removed: there are enough spare files, or there is no room for them. */
function makeBatch(context: SpoolContext, path: string): boolean {
  const { files, layout } = context;
  if (files.list(layout.spare).length >= MOST_BATCHES || isTight(context)) return false;
  try {
    files.makeDirectory(path);
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}
