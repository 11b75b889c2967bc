/**
 * The names that one file has in the spool. It has one, but for a file that a power cut left with several: btrfs may keep the
 * name that a rename gave and the one it took away, when only the directory of the new one was synced.
 */
import type { SpoolContext } from '../disk/context.ts';
import type { EntryInfo } from '../disk/files.ts';
import { listIfReadable, walkIfReadable } from '../disk/if-there.ts';
import { parseKeyHolderName } from '../keys/key-holders.ts';
import { BESIDE, besidePath, type JobName, parseResultFileName, resultFileName } from '../layout.ts';
import { endedSpot, heldSpots, movingSpots, waitingSpots } from '../locate.ts';

export type NameOfFile =
  | { readonly at: 'waiting'; readonly path: string; readonly name: JobName }
  /** `recoverer`: the one that took the directory from its owner; null when none did. */
  | { readonly at: 'held'; readonly path: string; readonly name: JobName; readonly recoverer: string | null }
  /** `rest`: a draft, a spare file, something that was set aside, which are no places of a job's life. */
  | { readonly at: 'results' | 'rest'; readonly path: string };

/** A name that moves may be missed by a look. */
const LOOKS = 3;

/** True when each name of an open file with several lies in this spool: a name elsewhere would let others change a job. */
export function hasOnlyOurNames(context: SpoolContext, fd: number, id: string): boolean {
  for (let look = 0; look < LOOKS; look++) {
    const info = context.files.info(fd);
    if (info.links <= 1 || namesOfFile(context, info, id).length >= info.links) return true;
  }
  return false;
}

/** All names of a file that holds the job `id`; a job that moves meanwhile may be missed, or found twice. */
export function namesOfFile(
  context: SpoolContext,
  { inode, links }: Pick<EntryInfo, 'inode' | 'links'>,
  id: string,
): readonly NameOfFile[] {
  const found: NameOfFile[] = [];
  for (const name of candidates(context, id)) {
    if (context.files.entry(name.path)?.inode === inode) found.push(name);
    if (found.length === links) break;
  }
  return found;
}

/** Names that tell the id come first: where a file has several names, these nearly always are all. */
function* candidates(context: SpoolContext, id: string): Generator<NameOfFile> {
  const { layout } = context;
  yield endedSpot(layout, id);
  const isWanted = (found: string): boolean => found === id;
  yield* heldSpots(context, isWanted);
  for (const spot of waitingSpots(context, isWanted, walkIfReadable)) if (spot !== null) yield spot;
  for (const { path, name } of movingSpots(context, isWanted)) yield { at: 'waiting', path, name };
  for (const folder of BESIDE) yield { at: 'rest', path: besidePath(layout, folder, id) };
  yield* rest(context, layout.tmp);
  const keys = listIfReadable(context.files, layout.keys)
    .map((key) => `${layout.keys}/${key}`)
    .filter((key) => context.files.entry(key)?.kind === 'directory');
  for (const key of keys) yield { at: 'rest', path: `${key}/${resultFileName(id)}` };
  yield* rest(context, layout.spare);
  yield* rest(context, layout.corrupt);
  for (const key of keys)
    for (const name of listIfReadable(context.files, key))
      if (parseKeyHolderName(name)?.id === id) yield { at: 'rest', path: `${key}/${name}` };
}

/** What lies in `directory`, and in batches in it, where a file may have the id of a forgotten outcome. */
function* rest(context: SpoolContext, directory: string): Generator<NameOfFile> {
  for (const name of listIfReadable(context.files, directory)) {
    const path = `${directory}/${name}`;
    yield { at: 'rest', path };
    if (context.files.entry(path)?.kind !== 'directory') continue;
    for (const file of listIfReadable(context.files, path))
      if (parseResultFileName(file) !== null) yield { at: 'rest', path: `${path}/${file}` };
  }
}
