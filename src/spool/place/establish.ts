/** Makes a directory a spool, or checks that it is one that this fsq can use. */
import { dirname } from 'node:path';
import { isRecord } from '../../job/values/realm.ts';
import { FsqError, SpoolError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import { FORMAT_VERSION } from '../../job/document.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Files } from '../disk/files.ts';
import { makeDirectory, readIfThere, valueOr } from '../disk/if-there.ts';
import { DIRECTORIES, type Layout, MADE_AT_FIRST_USE } from '../layout.ts';
import { spoolError } from '../disk/trouble.ts';

/**
 * Creates what is missing of the spool. `fsq.json` comes last, by rename: where it is, the directories are, and with fsync their
 * names are on disk. A process that finds it has to sync none of them.
 *
 * Another process may do the same at the same time; each step accepts that it is done already.
 *
 * @param mustExist create nothing
 * @returns true when it was not there
 * @throws SpoolError when it cannot be made, is of another format, or does not exist and must (FSQ_NO_SPOOL)
 */
export function establish({ files, layout, fsync, uniqueName }: SpoolContext, mustExist = false): boolean {
  try {
    if (isEstablished(files, layout)) return false;
    if (mustExist) {
      throw new SpoolError(
        'FSQ_NO_SPOOL',
        `There is no spool at ${layout.root}. \`fsq init\` makes one, and so do the first job and the first worker; --spool or FSQ_SPOOL name another directory.`,
      );
    }
    const changed = new Set([layout.root]);
    makeWithParents(files, layout.root, changed);
    for (const name of DIRECTORIES) if (!MADE_AT_FIRST_USE.has(name)) makeDirectory(files, layout[name]);
    const draft = writeFormat(files, `${layout.tmp}/${uniqueName()}`, fsync);
    if (fsync) for (const directory of changed) syncDirectoryNow(files, directory);
    files.rename(draft, layout.formatFile);
    if (fsync) syncDirectoryNow(files, layout.root);
    return true;
  } catch (error) {
    if (error instanceof FsqError) throw error;
    throw spoolError(error, `The spool ${layout.root} cannot be ${mustExist ? 'used' : 'made'}`);
  }
}

const MAX_FORMAT_BYTES = 1_024;

function isEstablished(files: Files, layout: Layout): boolean {
  const text = readIfThere(files, layout.formatFile, MAX_FORMAT_BYTES);
  // An empty one was made without fsync, and then the power was cut: the name reached the disk, the bytes did not.
  if (text === null || text === '') return false;
  checkFormat(text, layout.formatFile);
  return true;
}

function writeFormat(files: Files, draft: string, fsync: boolean): string {
  const fd = files.create(draft);
  try {
    files.write(fd, Buffer.from(`{"format":${FORMAT_VERSION}}\n`), 0);
    if (fsync) files.syncNow(fd);
  } finally {
    files.close(fd);
  }
  return draft;
}

/** A directory that may be written and not read cannot be synced: then its names are as durable as its file system makes them. */
function syncDirectoryNow(files: Files, path: string): void {
  const fd = valueOr(null, () => files.openDirectory(path), 'EACCES');
  if (fd === null) return;
  try {
    files.syncNow(fd);
  } finally {
    files.close(fd);
  }
}

function checkFormat(text: string, path: string): void {
  let found: unknown;
  try {
    const parsed: unknown = JSON.parse(text);
    found = isRecord(parsed) ? parsed['format'] : undefined;
  } catch {
    found = undefined; // Not JSON: reported below with what was expected.
  }
  if (found === FORMAT_VERSION) return;
  throw new SpoolError(
    'FSQ_SPOOL_FORMAT',
    `Expected ${path} to say {"format":${FORMAT_VERSION}}, got ${format(text.trim())}. Use the fsq that made this spool, or another directory.`,
  );
}

/** Makes `path` and what is missing above it; adds to `changed` each directory that got a new name. */
function makeWithParents(files: Files, path: string, changed: Set<string>): void {
  if (files.exists(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeWithParents(files, parent, changed);
  makeDirectory(files, path);
  changed.add(parent);
}
