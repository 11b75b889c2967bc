/**
 * The names that one file has in the spool. It has one, but for a file that a power cut left with several: btrfs may keep the
 * name that a rename gave and the one it took away, when only the directory of the new one was synced.
 */
import type { SpoolContext } from './context.ts';
import type { FileInfo } from './files.ts';
import { listIfReadable } from './if-there.ts';
import { parseHolderName } from './keys/key-directory.ts';
import {
  type JobName,
  parseDelayedFileName,
  parseHeldName,
  parseJobFileName,
  parseResultFileName,
  resultFileName,
} from './layout.ts';

export type NameOfFile =
  | { readonly at: 'waiting'; readonly path: string; readonly name: JobName }
  /** `recoverer`: who took the directory from its owner, if somebody did. */
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
  { inode, links }: Pick<FileInfo, 'inode' | 'links'>,
  id: string,
): readonly NameOfFile[] {
  const found: NameOfFile[] = [];
  for (const name of candidates(context, id)) {
    if (context.files.entry(name.path)?.inode === inode) found.push(name);
    if (found.length === links) break;
  }
  return found;
}

/** Those that tell the id first: where a file has several names, these nearly always are all. */
function* candidates(context: SpoolContext, id: string): Generator<NameOfFile> {
  const { layout } = context;
  yield { at: 'results', path: `${layout.results}/${resultFileName(id)}` };
  yield* unfinished(context, id);
  yield* rest(context, layout.tmp);
  for (const name of listIfReadable(context.files, layout.keys))
    yield { at: 'rest', path: `${layout.keys}/${name}/${resultFileName(id)}` };
  yield* rest(context, layout.spare);
  yield* rest(context, layout.corrupt);
  for (const key of listIfReadable(context.files, layout.keys))
    for (const name of listIfReadable(context.files, `${layout.keys}/${key}`))
      if (parseHolderName(name)?.id === id) yield { at: 'rest', path: `${layout.keys}/${key}/${name}` };
}

function* unfinished(context: SpoolContext, id: string): Generator<NameOfFile> {
  const { layout } = context;
  for (const directory of listIfReadable(context.files, layout.running)) {
    const holder = parseHeldName(directory);
    for (const fileName of holder === null ? [] : namesWith(context, `${layout.running}/${directory}`, id)) {
      const name = parseJobFileName(fileName);
      const path = `${layout.running}/${directory}/${fileName}`;
      if (name !== null && holder !== null) yield { at: 'held', path, name, recoverer: holder.recoverer };
    }
  }
  for (const fileName of namesWith(context, layout.pending, id)) {
    const name = parseJobFileName(fileName);
    if (name !== null) yield { at: 'waiting', path: `${layout.pending}/${fileName}`, name };
  }
  for (const fileName of namesWith(context, layout.delayed, id)) {
    const name = parseDelayedFileName(fileName)?.name;
    if (name !== undefined) yield { at: 'waiting', path: `${layout.delayed}/${fileName}`, name };
  }
}

function namesWith(context: SpoolContext, directory: string, id: string): readonly string[] {
  return listIfReadable(context.files, directory).filter((name) => name.includes(id));
}

/** What lies in `directory`, and in batches in it, where a file may have the id of an outcome that has expired. */
function* rest(context: SpoolContext, directory: string): Generator<NameOfFile> {
  for (const name of listIfReadable(context.files, directory)) {
    const path = `${directory}/${name}`;
    yield { at: 'rest', path };
    if (context.files.entry(path)?.kind !== 'directory') continue;
    for (const file of listIfReadable(context.files, path))
      if (parseResultFileName(file) !== null) yield { at: 'rest', path: `${path}/${file}` };
  }
}
