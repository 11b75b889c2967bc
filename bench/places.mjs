/** Where the bench works: one folder for all its spools, on the file system of the checkout, removed at the very end. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
export const CHECKOUT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/**
 * A new folder. Nothing in it is removed before the end: ext4 creates files slowly for minutes after many deletions.
 *
 * @param {string | null} wanted where to make it; null: the system's folder for temporary files if it lies on the disk of
 *   the checkout, else node_modules
 * @returns {string} its path
 */
export function makeRoot(wanted) {
  const parent = realpathSync(wanted ?? defaultParent());
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'fsq-bench-'));
}

/** @param {string} root */
export function removeRoot(root) {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}

function defaultParent() {
  const temporary = tmpdir();
  if (statSync(temporary).dev === statSync(CHECKOUT).dev) return temporary;
  const inside = join(CHECKOUT, 'node_modules/.cache');
  mkdirSync(inside, { recursive: true });
  return inside;
}

/**
 * @param {string} path
 * @returns {string} the type of the file system it lies on, such as 'ext4'; '?' where that cannot be read
 */
export function fileSystemOf(path) {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const fields = mounts.map((line) => line.split(' ')).filter(([, at]) => at !== undefined && isWithin(path, at));
    return fields.toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]?.[2] ?? '?';
  } catch {
    return '?'; // Not Linux.
  }
}

function isWithin(path, mountPoint) {
  return path === mountPoint || path.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
}
