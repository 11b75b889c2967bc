/**
 * Every state in which a power cut may leave a disk, given the system calls that were made.
 *
 * Names: creating, renaming and removing is durable once a later fsync of a directory covers it. Before that it may be lost.
 * 'ordered': such an fsync makes every earlier name durable too, and what is lost is lost from the end (the journal of ext4 and
 * XFS). 'reorder': it covers only names in that directory, and any others may be lost, but of one file never an
 * earlier name alone (without that no protocol of renames works: the file would have two names).
 * Bytes: what was written is durable after fsync of the file; until then each write may be there, be missing, or be there in
 * one half, and a change of the size may be missing. Bytes beside those written are safe.
 * 'doubled': as 'reorder', and besides a rename that is there may have left its old name, until an fsync of the directory in which
 * that lay covers it: then the file has two names (the log of btrfs).
 */

export type Order = 'ordered' | 'reorder' | 'doubled';

/** One system call; paths are relative to the spool. `file` is the file itself, whatever its name. */
export type DiskCall =
  | { readonly call: 'create'; readonly path: string; readonly file: number }
  | { readonly call: 'mkdir' | 'rmdir'; readonly path: string }
  | { readonly call: 'unlink'; readonly path: string; readonly file: number }
  /** `file` is null for a directory. */
  | { readonly call: 'rename'; readonly path: string; readonly to: string; readonly file: number | null }
  | { readonly call: 'write'; readonly file: number; readonly at: number; readonly bytes: Buffer }
  | { readonly call: 'truncate'; readonly file: number; readonly size: number }
  /** It covers what was called before its beginning, the number of calls then made. */
  | { readonly call: 'fsync'; readonly file: number; readonly began: number }
  | { readonly call: 'fsync directory'; readonly path: string; readonly began: number }
  /** Of all files and names, in the same way. */
  | { readonly call: 'sync all'; readonly began: number }
  /** The caller was told so: from here on the disk must keep it. */
  | { readonly call: 'promise'; readonly what: string };

/** A disk on which everything is durable. */
export interface Disk {
  /** Paths; a directory has no file. */
  readonly names: ReadonlyMap<string, number | 'directory'>;
  readonly contents: ReadonlyMap<number, Buffer>;
}

export interface DiskState extends Disk {
  readonly promises: readonly string[];
  /** How it came about, for messages. */
  readonly story: string;
}

/** Nothing but the root. */
export const EMPTY: Disk = { names: new Map(), contents: new Map() };

/** Subsets of this many free names are all tried; of more, those that lose or keep few. */
const MOST_FREE = 7;

/** All different states, in an order that does not change from run to run. */
export function diskStates(calls: readonly DiskCall[], order: Order, disk: Disk = EMPTY): readonly DiskState[] {
  const states = new Map<string, DiskState>();
  for (let made = 0; made <= calls.length; made++) {
    const before = calls.slice(0, made);
    const promises = before.flatMap((call) => (call.call === 'promise' ? [call.what] : []));
    for (const kept of keptNames(before, order)) {
      for (const doubled of order === 'doubled' ? doubledNames(before, kept) : [NONE]) {
        const names = namesAfter(disk, before, kept, doubled);
        for (const { contents, fate } of contentsAfter(disk, before, new Set(names.values()))) {
          const key = keyOf(names, contents, promises);
          if (states.has(key)) continue;
          const lost = before.filter((call, i) => isNaming(call) && !kept.has(i)).map(describe);
          const double = before.filter((_, i) => doubled.has(i)).map(describe);
          const story = `after ${made} calls (${describe(before.at(-1))}), lost: ${lost.join('; ') || 'no name'}; doubled: ${double.join('; ') || 'no name'}; ${fate || 'no bytes'}`;
          states.set(key, { names, contents, promises, story });
        }
      }
    }
  }
  return [...states.values()];
}

type Naming = Extract<DiskCall, { readonly path: string }> & {
  readonly call: 'create' | 'mkdir' | 'rmdir' | 'unlink' | 'rename';
};

function isNaming(call: DiskCall): call is Naming {
  return ['create', 'mkdir', 'rmdir', 'unlink', 'rename'].includes(call.call);
}

/** The sets of naming calls, by index, that may have reached the disk. */
function* keptNames(calls: readonly DiskCall[], order: Order): Generator<ReadonlySet<number>> {
  const naming = calls.flatMap((call, i) => (isNaming(call) ? [i] : []));
  const forced = new Set<number>();
  for (const call of calls) {
    if (call.call !== 'fsync directory' && call.call !== 'sync all') continue;
    for (const i of naming) if (i < call.began && (order === 'ordered' || covers(call, calls[i]))) forced.add(i);
  }
  if (order !== 'ordered')
    for (const i of Array.from(forced))
      for (const j of naming) if (j < i && isSameThing(calls[j], calls[i])) forced.add(j);
  const free = naming.filter((i) => !forced.has(i));
  const choices = order === 'ordered' ? free.map((_, n) => free.slice(0, n)).concat([free]) : subsets(free);
  for (const choice of choices) {
    const kept = new Set([...forced, ...choice]);
    const isTorn =
      order !== 'ordered' &&
      [...kept].some((i) => naming.some((j) => j < i && !kept.has(j) && isSameThing(calls[j], calls[i])));
    if (!isTorn) yield kept;
  }
}

function covers(
  sync: Extract<DiskCall, { call: 'fsync directory' | 'sync all' }>,
  call: DiskCall | undefined,
): boolean {
  return sync.call === 'sync all' || directoriesOf(call).includes(sync.path);
}

const NONE: ReadonlySet<number> = new Set();

/** Sets of kept renames, by index, that may have left their old names: each alone, and all. */
function doubledNames(calls: readonly DiskCall[], kept: ReadonlySet<number>): readonly ReadonlySet<number>[] {
  const possible = [...kept].filter((i) => {
    const call = calls[i];
    if (call?.call !== 'rename' || call.file === null) return false;
    const isSynced = (c: DiskCall): boolean =>
      c.call === 'sync all' || (c.call === 'fsync directory' && c.path === parentOf(call.path));
    return !calls.some((c) => isSynced(c) && 'began' in c && i < c.began);
  });
  return [...possible.map((i) => new Set([i])), new Set(possible)].filter(({ size }) => size > 0);
}

function subsets(free: readonly number[]): readonly (readonly number[])[] {
  const all = Array.from({ length: 2 ** Math.min(free.length, MOST_FREE) }, (_, bits) =>
    free.slice(0, MOST_FREE).filter((_, i) => bits & (1 << i)),
  );
  if (free.length <= MOST_FREE) return all;
  const one = free.map((i) => [i]);
  const allButOne = free.map((i) => free.filter((j) => j !== i));
  const endings = free.map((_, n) => free.slice(0, n));
  return [[], free, ...one, ...allButOne, ...endings];
}

function directoriesOf(call: DiskCall | undefined): readonly string[] {
  if (call === undefined || !isNaming(call)) return [];
  const paths = call.call === 'rename' ? [call.path, call.to] : [call.path];
  return paths.map(parentOf);
}

/** The same file, or a directory that was made or moved and what then lies in it. */
function isSameThing(earlier: DiskCall | undefined, later: DiskCall | undefined): boolean {
  if (earlier === undefined || later === undefined || !isNaming(earlier) || !isNaming(later)) return false;
  if ('file' in earlier && earlier.file !== null) return 'file' in later && later.file === earlier.file;
  const directory = earlier.call === 'rename' ? earlier.to : earlier.path;
  return [later.path, ...(later.call === 'rename' ? [later.to] : [])].some((path) =>
    `${path}/`.startsWith(`${directory}/`),
  );
}

function namesAfter(
  { names }: Disk,
  calls: readonly DiskCall[],
  kept: ReadonlySet<number>,
  doubled: ReadonlySet<number>,
): Map<string, number | 'directory'> {
  const result = new Map(names);
  for (const [i, call] of calls.entries()) if (isNaming(call) && kept.has(i)) apply(result, call, doubled.has(i));
  for (const path of result.keys()) if (!isReachable(result, path)) result.delete(path);
  return result;
}

function apply(names: Map<string, number | 'directory'>, call: Naming, isDoubled: boolean): void {
  switch (call.call) {
    case 'create':
      names.set(call.path, call.file);
      return;
    case 'mkdir':
      names.set(call.path, 'directory');
      return;
    case 'rmdir':
      names.delete(call.path);
      return;
    case 'unlink':
      if (names.get(call.path) === call.file) names.delete(call.path);
      return;
    case 'rename':
      if (call.file === null) return renameDirectory(names, call.path, call.to);
      if (!isDoubled && names.get(call.path) === call.file) names.delete(call.path);
      names.set(call.to, call.file);
  }
}

function renameDirectory(names: Map<string, number | 'directory'>, from: string, to: string): void {
  for (const [path, what] of Array.from(names)) {
    if (!`${path}/`.startsWith(`${from}/`)) continue;
    names.delete(path);
    names.set(to + path.slice(from.length), what);
  }
}

function isReachable(names: ReadonlyMap<string, unknown>, path: string): boolean {
  const parent = parentOf(path);
  return parent === '' || (names.has(parent) && isReachable(names, parent));
}

/** The contents of the files that have a name, in every combination of what may have happened to what was not synced. */
function* contentsAfter(
  disk: Disk,
  calls: readonly DiskCall[],
  named: ReadonlySet<number | 'directory'>,
): Generator<{ readonly contents: ReadonlyMap<number, Buffer>; readonly fate: string }> {
  const files = [...named].filter((file) => file !== 'directory');
  const variants = files.map((file) => ({ file, contents: variantsOf(disk, calls, file) }));
  const indices = variants.map(() => 0);
  for (;;) {
    const chosen = variants.map(({ file, contents }, i) => ({ file, variant: contents[indices[i] ?? 0] }));
    const contents = new Map(chosen.map(({ file, variant }) => [file, variant?.bytes ?? Buffer.alloc(0)]));
    yield {
      contents,
      fate: chosen
        .map(({ variant }) => variant?.fate)
        .filter((fate) => fate !== '')
        .join('; '),
    };
    let i = 0;
    while (i < variants.length && (indices[i] = (indices[i] ?? 0) + 1) === variants[i]?.contents.length)
      indices[i++] = 0;
    if (i === variants.length) return;
  }
}

interface Variant {
  readonly bytes: Buffer;
  readonly fate: string;
}

function variantsOf({ contents }: Disk, calls: readonly DiskCall[], file: number): readonly Variant[] {
  let synced = 0;
  for (const call of calls)
    if (call.call === 'sync all' || (call.call === 'fsync' && call.file === file))
      synced = Math.max(synced, call.began);
  let variants: readonly Variant[] = [{ bytes: contents.get(file) ?? Buffer.alloc(0), fate: '' }];
  for (const [i, call] of calls.entries()) {
    if ((call.call !== 'write' && call.call !== 'truncate') || call.file !== file) continue;
    const options = call.call === 'truncate' ? truncations(call.size) : writes(call.at, call.bytes);
    const possible = i < synced ? options.slice(0, 1) : options;
    variants = unique(
      variants.flatMap(({ bytes, fate }) =>
        possible.map(({ change, what }) => ({
          bytes: change(bytes),
          fate: [fate, what].filter((part) => part !== '').join(', '),
        })),
      ),
    );
  }
  return variants;
}

interface Change {
  readonly change: (bytes: Buffer) => Buffer;
  readonly what: string;
}

/** As it was called first; then what may become of it without fsync. */
function writes(at: number, bytes: Buffer): readonly Change[] {
  const middle = Math.ceil(bytes.length / 2);
  return [
    { change: (old) => overwrite(old, at, bytes), what: '' },
    { change: (old) => old, what: `nothing of ${bytes.length} bytes at ${at}` },
    {
      change: (old) => overwrite(old, at, bytes.subarray(0, middle)),
      what: `the first half of ${bytes.length} bytes at ${at}`,
    },
    {
      change: (old) => overwrite(old, at + middle, bytes.subarray(middle)),
      what: `the second half of ${bytes.length} bytes at ${at}`,
    },
  ];
}

function truncations(size: number): readonly Change[] {
  return [
    { change: (old) => Buffer.concat([old.subarray(0, size), Buffer.alloc(Math.max(0, size - old.length))]), what: '' },
    { change: (old) => old, what: `not cut to ${size} bytes` },
  ];
}

function overwrite(old: Buffer, at: number, bytes: Buffer): Buffer {
  const result = Buffer.alloc(Math.max(old.length, at + bytes.length));
  old.copy(result);
  bytes.copy(result, at);
  return result;
}

function unique(variants: readonly Variant[]): readonly Variant[] {
  const seen = new Map<string, Variant>();
  for (const variant of variants) {
    const key = variant.bytes.toString('latin1');
    if (!seen.has(key)) seen.set(key, variant);
  }
  return [...seen.values()];
}

function keyOf(
  names: ReadonlyMap<string, number | 'directory'>,
  contents: ReadonlyMap<number, Buffer>,
  promises: readonly string[],
): string {
  const files = [...names].map(
    ([path, file]) => `${path}=${file === 'directory' ? '' : contents.get(file)?.toString('latin1')}`,
  );
  return [...files.sort(), ...promises].join('\0');
}

function describe(call: DiskCall | undefined): string {
  if (call === undefined) return 'none';
  if (call.call === 'rename') return `rename ${call.path} → ${call.to}`;
  if ('path' in call) return `${call.call} ${call.path}`;
  if (call.call === 'sync all') return call.call;
  return call.call === 'promise' ? call.what : `${call.call} of file ${call.file}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
