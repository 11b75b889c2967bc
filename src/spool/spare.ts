/**
 * The files that jobs are written into: new ones, or expired ones from spare/.
 *
 * On ext4 creating a file becomes 5 to 10 times slower after many deletions (it skips inodes freed in the last minutes),
 * writing into an old one does not. Expired files lie in spare/ in directories of up to a thousand; a producer takes a whole
 * directory by one rename into tmp/, so that no two ever write into the same file.
 */
import type { SpoolContext } from './context.ts';
import { type Files, hasCode } from './files.ts';
import { discard, listIfReadable, removeIfEmpty } from './if-there.ts';

export interface DraftFile {
  readonly path: string;
  readonly fd: number;
  /** What it held before, to be cut if the new content is shorter. */
  readonly oldBytes: number;
}

/** A producer of a few jobs creates files; looking for spare ones pays only for many. */
const CREATED_BEFORE_LOOKING = 64;
/** The name in spare/ of what is no batch but held back for a full disk (room.ts). */
export const RESERVE = 'reserve';
/** How often to look while there are none, ms. */
const LOOK_EVERY_MS = 1_000;

export class SpareFiles {
  readonly #context: SpoolContext;
  #created = 0;
  #lookAgainAt = 0;
  #batch: { readonly path: string; readonly names: string[] } | null = null;

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  /** A file of ours alone, open for writing. */
  next(): DraftFile {
    return this.#reuse() ?? this.#create();
  }

  #create(): DraftFile {
    const path = `${this.#context.layout.tmp}/${this.#context.uniqueName()}`;
    this.#created++;
    try {
      return { path, fd: this.#context.files.create(path), oldBytes: 0 };
    } catch (error) {
      const spare = hasCode(error, 'ENOSPC', 'EDQUOT') ? this.#reuse(true) : null;
      if (spare === null) throw error;
      return spare;
    }
  }

  /** @param isNeeded there is no room for another file */
  #reuse(isNeeded = false): DraftFile | null {
    if (this.#created < CREATED_BEFORE_LOOKING && !isNeeded) return null;
    const { files } = this.#context;
    while (this.#batch !== null || this.#takeBatch()) {
      const name = this.#batch?.names.pop();
      if (this.#batch === null || name === undefined) {
        this.#dropBatch();
        continue;
      }
      const path = `${this.#batch.path}/${name}`;
      const fd = this.#openRegular(path);
      if (fd !== null) return { path, fd, oldBytes: files.info(fd).sizeBytes };
    }
    return null;
  }

  /** Null, and the file is removed, unless it is a plain file of ours with one name: nothing else may be written into. */
  #openRegular(path: string): number | null {
    const { files } = this.#context;
    let fd: number | null = null;
    try {
      fd = files.open(path, 'write');
      const { isFile, links, uid } = files.info(fd);
      if (isFile && links === 1 && this.#context.trustedUids?.has(uid) !== false) return fd;
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO', 'EACCES', 'EISDIR')) throw error;
    }
    if (fd !== null) files.close(fd);
    discard(files, path);
    return null;
  }

  #takeBatch(): boolean {
    const { files, layout } = this.#context;
    if (performance.now() < this.#lookAgainAt) return false;
    for (const name of files.list(layout.spare)) {
      if (name === RESERVE) continue;
      const path = `${layout.tmp}/${this.#context.uniqueName()}`;
      try {
        files.rename(`${layout.spare}/${name}`, path);
        if (files.entry(path)?.kind !== 'directory') {
          discard(files, path); // Not a batch. Were it a link, what we write would land outside of the spool.
          continue;
        }
        this.#batch = { path, names: files.list(path) };
        return true;
      } catch (error) {
        // Taken by another producer, or not a directory of ours, or of the lower layer of an overlay: the next one may do.
        if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EXDEV')) throw error;
      }
    }
    this.#lookAgainAt = performance.now() + LOOK_EVERY_MS;
    return false;
  }

  #dropBatch(): void {
    const path = this.#batch?.path;
    this.#batch = null;
    // Drafts may still lie in it until they are renamed; the sweep of tmp/ takes the directory when we are gone.
    if (path !== undefined) removeIfEmpty(this.#context.files, path);
  }
}

/**
 * Removes a directory of spare files. It stays where something else has its name, such as a link, which would lead out of the
 * spool; where this user may not look into it; and where another process puts files into it or takes it away.
 *
 * @returns how many files have gone: what cannot be removed makes no room, however often it is tried
 */
export function removeBatch(files: Files, directory: string): number {
  if (files.entry(directory)?.kind !== 'directory') return 0;
  let count = 0;
  try {
    for (const name of listIfReadable(files, directory)) if (discard(files, `${directory}/${name}`)) count++;
    removeIfEmpty(files, directory);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
  }
  return count;
}
