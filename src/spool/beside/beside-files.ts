/**
 * Files that lie beside a job, named by its id: read with every doubt, and replaced by a rename, so that a reader sees the old one or
 * the new one.
 *
 * A run writes only while its job's file is where it claimed it. A recoverer moves that file away before the next run, and does so only
 * to a process that is proved dead: so a run that is over never writes over what a later one has written. The look is right before the
 * rename. In between, a process that lives and was yet taken for dead (its task had closed its socket) may still replace a later file.
 */
import { FencedError } from '../../job/errors.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import { discard, makeDirectory } from '../disk/if-there.ts';
import type { HeldFile } from '../job-file/holder.ts';
import { readDoubted, type Reading } from '../job-file/read.ts';
import { renameOver, renameOverIfThere } from '../job-file/set-aside.ts';
import { type BesideFolder, besidePath } from '../layout.ts';

export type BesideReading = { readonly kind: 'text'; readonly text: string } | Exclude<Reading, { kind: 'job' }>;

/** @throws the system error unchanged when the disk refuses */
export function readBeside(context: SpoolContext, folder: BesideFolder, id: string, maxBytes: number): BesideReading {
  return readDoubted<BesideReading>(context, besidePath(context.layout, folder, id), id, maxBytes, (bytes) => ({
    kind: 'text',
    text: bytes.toString('utf8'),
  }));
}

/** Replaces the file of `run` in `folder`. A power cut may lose it, or leave anything in its place. @throws FencedError, the system error */
export function replaceBeside(context: SpoolContext, run: HeldFile, folder: BesideFolder, text: string): void {
  const { files } = context;
  const draft = draftPath(context);
  try {
    const fd = files.create(draft);
    try {
      files.write(fd, Buffer.from(text), 0);
    } finally {
      files.close(fd);
    }
    moveIn(context, run, folder, draft);
  } catch (error) {
    removeQuietly(files, draft);
    throw error;
  }
}

/** The spools whose directories of this kind have their names on disk. */
const named = new WeakSet<SpoolContext>();

/** The same, durable when it resolves. */
export async function replaceDurably(
  context: SpoolContext,
  run: HeldFile,
  folder: BesideFolder,
  text: string,
): Promise<void> {
  const { files, layout, fsync } = context;
  const draft = draftPath(context);
  let isNew: boolean;
  try {
    const fd = files.create(draft);
    try {
      files.write(fd, Buffer.from(text), 0);
      if (fsync) await files.sync(fd);
    } finally {
      files.close(fd);
    }
    isNew = moveIn(context, run, folder, draft);
  } catch (error) {
    removeQuietly(files, draft);
    throw error;
  }
  // Another process may have made the directory, and not have synced its name yet.
  const isNamed = !isNew && named.has(context);
  await syncDirectories(context, layout[folder], ...(isNamed ? [] : [layout.root]));
  named.add(context);
}

/** Removes the file of the job `id` in `folder`, whatever lies there; a folder stays. */
export function removeBeside({ files, layout }: SpoolContext, folder: BesideFolder, id: string): void {
  discard(files, besidePath(layout, folder, id));
}

/** @returns whether the folder had to be made */
function moveIn(context: SpoolContext, { path, name, holder }: HeldFile, folder: BesideFolder, draft: string): boolean {
  const { files, layout } = context;
  const target = besidePath(layout, folder, name.id);
  if (!files.exists(path)) throw new FencedError(holder.owner);
  if (renameOverIfThere(context, draft, target)) return false;
  makeDirectory(files, layout[folder]);
  renameOver(context, draft, target);
  return true;
}

function draftPath({ layout, uniqueName }: SpoolContext): string {
  return `${layout.tmp}/${uniqueName()}`;
}
