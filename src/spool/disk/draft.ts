/**
 * Files in tmp/ that get their name by a rename when they are whole. If we die before that, the draft is swept.
 *
 * Jobs are written into new files, or into those of forgotten outcomes from spare/. On ext4, creating a file becomes 5 to 10 times slower after
 * many deletions (it skips inodes freed in the last minutes); writing into an old one does not. The old files lie in spare/ in
 * directories of up to a thousand. A producer takes a whole directory by one rename into tmp/, so that no two ever write into
 * the same file.
 */
import { type Files, hasCode } from './files.ts';
import { discard, removeIfEmpty } from './if-there.ts';
import { type Layout, RESERVE } from '../layout.ts';
import { isFull } from './trouble.ts';

/** What of the spool's context a draft needs. */
interface DraftPlace {
  readonly files: Files;
  readonly layout: Layout;
  readonly trustedUids: ReadonlySet<number> | null;
  readonly uniqueName: () => string;
}

interface DraftFile {
  readonly path: string;
  readonly fd: number;
  /** Its size before, bytes: the rest is cut if the new content is shorter. */
  readonly oldBytes: number;
}

/** A producer of a few jobs creates files; looking for spare ones pays only for many. */
const CREATED_BEFORE_LOOKING = 64;
/** How often to look while there are none, ms. */
const LOOK_EVERY_MS = 1_000;

export class DraftFiles {
  readonly #place: DraftPlace;
  #created = 0;
  #lookAgainAt = 0;
  #batch: { readonly path: string; readonly names: string[] } | null = null;
  /** Batches that are used up, in which drafts still lay. */
  #used: readonly string[] = [];

  constructor(place: DraftPlace) {
    this.#place = place;
  }

  /** A file of ours alone, open for writing. */
  next(): DraftFile {
    return this.#reuse() ?? this.#create();
  }

  #create(): DraftFile {
    const path = `${this.#place.layout.tmp}/${this.#place.uniqueName()}`;
    this.#created++;
    try {
      return { path, fd: this.#place.files.create(path), oldBytes: 0 };
    } catch (error) {
      const spare = isFull(error) ? this.#reuse(true) : null;
      if (spare === null) throw error;
      return spare;
    }
  }

  /** @param isNeeded there is no room for another file */
  #reuse(isNeeded = false): DraftFile | null {
    if (this.#created < CREATED_BEFORE_LOOKING && !isNeeded) return null;
    const { files } = this.#place;
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
    const { files } = this.#place;
    let fd: number | null = null;
    try {
      fd = files.open(path, 'write');
      const { kind, links, uid } = files.info(fd);
      if (kind === 'file' && links === 1 && this.#place.trustedUids?.has(uid) !== false) return fd;
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO', 'EACCES', 'EISDIR')) throw error;
    }
    if (fd !== null) files.close(fd);
    discard(files, path);
    return null;
  }

  #takeBatch(): boolean {
    const { files, layout } = this.#place;
    if (performance.now() < this.#lookAgainAt) return false;
    this.#used = this.#used.filter((path) => this.#isInUse(path));
    for (const name of files.list(layout.spare)) {
      if (name === RESERVE) continue;
      const path = `${layout.tmp}/${this.#place.uniqueName()}`;
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
    // Drafts may still lie in it until they are renamed. It goes when the next batch is taken; when we are gone, the sweep of tmp/ takes it.
    if (path !== undefined && this.#isInUse(path)) this.#used = [...this.#used, path];
  }

  /** Removes the directory unless drafts lie in it. One that cannot be removed is left to the sweep: it must keep no job from being sent. */
  #isInUse(path: string): boolean {
    try {
      return !removeIfEmpty(this.#place.files, path);
    } catch {
      return false;
    }
  }
}

/**
 * Writes `bytes` into a new file and gives it the name `target`, in the place of what has that name.
 *
 * Whatever fails, the draft is removed: a caller that waits for a full disk tries again and again, and must not fill it further.
 *
 * @param isDurable whether the bytes reach the disk before the name, where the spool waits for the disk at all
 */
export async function writeNew(
  place: DraftPlace & { readonly fsync: boolean },
  bytes: Buffer,
  target: string,
  { isDurable }: { readonly isDurable: boolean },
): Promise<void> {
  const { files, layout, fsync, uniqueName } = place;
  const draft = `${layout.tmp}/${uniqueName()}`;
  try {
    const fd = files.create(draft);
    try {
      files.write(fd, bytes, 0);
      if (isDurable && fsync) await files.sync(fd);
    } finally {
      files.close(fd);
    }
    files.rename(draft, target);
  } catch (error) {
    removeQuietly(files, draft);
    throw error;
  }
}

/** Tells no error: the caller has one already. A draft that cannot be removed stays in tmp/, where nothing reads it, until it is swept. */
export function removeQuietly(files: Files, draft: string): void {
  try {
    files.unlink(draft);
  } catch {
    // As said above.
  }
}
