/** Makes a directory a spool, or checks that it is one that this fsq can use. */
import { isRecord } from '../job/tail.ts';
import { FsqError, SpoolError } from '../job/errors.ts';
import { format } from '../job/format.ts';
import { FORMAT_VERSION } from '../job/document.ts';
import { type Files, hasCode } from './files.ts';
import { DIRECTORIES, type Layout } from './layout.ts';
import { spoolError } from './trouble.ts';

/**
 * Creates what is missing of the spool. `fsq.json` comes last, by rename: where it is, the rest is.
 *
 * Another process may do the same at the same time; each step accepts that it is done already.
 *
 * @param mustExist create nothing
 * @returns true if it was made now: its own names may not be durable yet
 * @throws SpoolError when it cannot be made, is of another format, or does not exist and must (FSQ_NO_SPOOL)
 */
export function establish(files: Files, layout: Layout, uniqueName: string, mustExist = false): boolean {
  try {
    if (isEstablished(files, layout)) return false;
    if (mustExist) {
      throw new SpoolError(
        'FSQ_NO_SPOOL',
        `There is no spool at ${layout.root}. \`fsq init\` makes one, and so do the first job and the first worker; --spool or FSQ_SPOOL name another directory.`,
      );
    }
    makeParents(files, layout.root);
    for (const name of DIRECTORIES) makeDirectory(files, layout[name]);
    const draft = `${layout.tmp}/${uniqueName}`;
    const fd = files.create(draft);
    try {
      files.write(fd, Buffer.from(`{"format":${FORMAT_VERSION}}\n`), 0);
    } finally {
      files.close(fd);
    }
    files.rename(draft, layout.formatFile);
    return true;
  } catch (error) {
    if (error instanceof FsqError) throw error;
    throw spoolError(error, `The spool ${layout.root} cannot be made`);
  }
}

function isEstablished(files: Files, layout: Layout): boolean {
  let text: string;
  try {
    const fd = files.open(layout.formatFile, 'read');
    try {
      text = files.read(fd, 1024).toString('utf8');
    } finally {
      files.close(fd);
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  checkFormat(text, layout.formatFile);
  return true;
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

function makeParents(files: Files, path: string): void {
  const end = path.lastIndexOf('/');
  if (end > 0 && !files.exists(path)) makeParents(files, path.slice(0, end));
  makeDirectory(files, path);
}

function makeDirectory(files: Files, path: string): void {
  try {
    files.makeDirectory(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
