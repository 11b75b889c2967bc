/** Paths for people. */
import { relative } from 'node:path';

/** `path` relative to `root` where it lies below it, else as it is. */
export function shortPath(path: string, root: string): string {
  const short = relative(root, path);
  return short === '' || short.startsWith('..') ? path : short;
}
