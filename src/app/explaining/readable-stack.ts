/** A stack for people: the frames of the program itself stay, those of Node.js and of packages are told by their number. Pure. */

export interface StackLine {
  readonly text: string;
  /** False: it only says what was left out. */
  readonly isOwn: boolean;
}

/**
 * The lines of a stack: its message, the program's own frames with paths as seen from `root`, and a line for each row of others.
 *
 * @param root absolute path; paths below it are shown without it
 * @param fsq absolute path of fsq's own files, with a slash at its end: one that is not installed in node_modules lies anywhere
 */
export function readableStack(stack: string, root: string, fsq: string): readonly StackLine[] {
  const lines: StackLine[] = [];
  let foreign: string[] = [];
  const tellForeign = (): void => {
    if (foreign.length > 0) lines.push({ text: `    … ${foreignText(foreign)}`, isOwn: false });
    foreign = [];
  };
  for (const line of stack.split('\n')) {
    const owner = ownerOf(line, fsq);
    if (owner !== null) {
      foreign.push(owner);
      continue;
    }
    tellForeign();
    lines.push({ text: isFrame(line) ? seenFrom(line, root) : line, isOwn: true });
  }
  tellForeign();
  return lines;
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

/** Whose frame this is; null of the program's own, and of a line that is none. */
function ownerOf(line: string, fsq: string): string | null {
  if (!isFrame(line)) return null;
  if (/\bnode:[\w/]+|\(native\)|\(<anonymous>\)|^\s+at (?:async )?<anonymous>/.test(line)) return 'Node.js';
  if (line.includes(fsq)) return 'fsq';
  const at = line.lastIndexOf('/node_modules/');
  if (at === -1) return null;
  const [first = '', second = ''] = line.slice(at + '/node_modules/'.length).split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** Without the root of the program, where the rest is a path in it. */
function seenFrom(line: string, root: string): string {
  const below = root.endsWith('/') ? root : `${root}/`;
  return line.replace(`file://${below}`, '').replace(below, '');
}

/** Names of so many owners are told. */
const MOST_NAMES = 3;

function foreignText(owners: readonly string[]): string {
  const names = [...new Set(owners)];
  const shown = names.slice(0, MOST_NAMES).join(', ');
  const more = names.length > MOST_NAMES ? ' and others' : '';
  return `${owners.length} ${owners.length === 1 ? 'frame' : 'frames'} of ${shown}${more}`;
}
