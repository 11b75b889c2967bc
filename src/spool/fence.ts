/** The fence: the rename that takes a dead owner's directory away, so that nothing it still does by path can succeed. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';

/** Fences the directory `from` under the name `to`. False when another recoverer was faster. */
export function fence(context: SpoolContext, from: string, to: string): boolean {
  try {
    return tryRename(context, from, to);
  } catch (error) {
    if (!hasCode(error, 'EXDEV')) throw error;
    moveOneByOne(context, from, to);
    return true;
  }
}

/**
 * In the lower layer of an overlay a directory cannot be renamed, its files can. It came with the image, so nobody works in
 * it any more whom a fence would have to stop; of several recoverers each gets some of the files. If we die in between,
 * the next takes the rest and what carries our name.
 */
function moveOneByOne(context: SpoolContext, from: string, to: string): void {
  const { files } = context;
  if (!files.exists(to)) files.makeDirectory(to);
  try {
    for (const name of files.list(from)) tryRename(context, `${from}/${name}`, `${to}/${name}`);
    files.removeDirectory(from);
  } catch (error) {
    // Another recoverer was here, or is still: what it took is its own.
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** False when another recoverer was faster. */
function tryRename(context: SpoolContext, from: string, to: string): boolean {
  if (from === to) return true;
  try {
    context.files.rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}
