/** The directories of keys/: what their names say, what the names in them say, and the making of one. The sweep removes empty ones. */
import { SpoolError } from '../../job/errors.ts';
import { isId } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { makeDirectory } from '../disk/if-there.ts';
import { type Layout, timeDigits } from '../layout.ts';

/** What lies in a key's directory for a job: it stands for the key, to some time at least if it has one. */
export interface HolderName {
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

export function holderFileName({ id, untilMs }: HolderName): string {
  return untilMs === null ? id : `${id}.${timeDigits(untilMs)}`;
}

export function parseHolderName(fileName: string): HolderName | null {
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
