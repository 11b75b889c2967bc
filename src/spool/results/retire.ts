/** The way of outcomes out of results/: their files become spare ones, or are removed when there are enough of those. */
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { succeeds } from '../disk/if-there.ts';
import type { Turns } from '../disk/rounds.ts';
import { isFull } from '../disk/trouble.ts';
import { recordedIds } from '../journal/checkpoint.ts';
import { parseResultFileName } from '../layout.ts';
import { isTight } from '../place/room.ts';

/** Files to a directory in spare/, and directories in spare/ at most: 20,000 files. */
export const BATCH = 1_000;
const MOST_BATCHES = 20;

interface HowToRetire {
  readonly leastBatch?: number;
  readonly isStill?: (fileName: string) => boolean;
}

/**
 * Takes the outcomes with these names out of results/. Those that the journal still names stay: a power cut would bring their jobs
 * back, and run them again.
 *
 * A batch is gathered in tmp/ and moved to spare/ only when its renames are durable. Were a file written again before that, a
 * power cut could show the new content under the old outcome's name. If we die in between, the sweep of tmp/ moves the batch on. Work that is
 * given up hands on what it has gathered: this process may live for long.
 *
 * @param how of `leastBatch` files at least a batch is made, fewer are removed; one that `isStill` denies, asked right before, stays
 * @returns the names of those that it took out; another worker may have been faster with the others
 */
export async function retire(
  context: SpoolContext,
  asked: readonly string[],
  turns: Turns,
  { leastBatch = 1, isStill = () => true }: HowToRetire = {},
): Promise<readonly string[]> {
  const { layout } = context;
  const recorded = await recordedIds(context);
  const fileNames = asked.filter((fileName) => !recorded.has(parseResultFileName(fileName) ?? ''));
  if (fileNames.length === 0) return [];
  const name = context.uniqueName();
  const gathered = `${layout.tmp}/${name}`;
  const isBatch = fileNames.length >= leastBatch && makeBatch(context, gathered);
  const handOn = async (): Promise<void> => {
    await syncDirectories(context, layout.results, ...(isBatch ? [gathered] : []));
    if (isBatch) context.files.rename(gathered, `${layout.spare}/${name}`);
  };
  try {
    const gone = await moveOut(context, fileNames, { gathered: isBatch ? gathered : null, isStill }, turns);
    await handOn();
    return gone;
  } catch (error) {
    if (isBatch && context.files.exists(gathered)) await handOn().catch(() => undefined); // The first error says more.
    throw error;
  }
}

/** @param to `gathered` is where they go; null: they are removed */
async function moveOut(
  { files, layout, odd }: SpoolContext,
  fileNames: readonly string[],
  { gathered, isStill }: { readonly gathered: string | null; readonly isStill: (fileName: string) => boolean },
  turns: Turns,
): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const fileName of fileNames) {
    const from = `${layout.results}/${fileName}`;
    const to = `${gathered}/${fileName}`;
    const act = (): unknown => (gathered === null ? files.unlink(from) : files.rename(from, to));
    odd.try(from, () => {
      if (isStill(fileName) && succeeds(act, 'ENOENT', 'EISDIR')) gone.push(fileName);
    });
    if (turns.isOver) await turns.next();
  }
  return gone;
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
