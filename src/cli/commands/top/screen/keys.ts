/** What a terminal sends, as keys with names. Pure. */

/** A key: the character itself, or a name such as 'up' or 'ctrl-c'. */
export type Input = { readonly kind: 'key'; readonly key: string } | { readonly kind: 'paste'; readonly text: string };

/** The last parts of sequences that begin with ESC [ or ESC O, as xterm, the Linux console, tmux and PuTTY send them. */
const SEQUENCES: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'backtab',
  '1~': 'home',
  '4~': 'end',
  '5~': 'pageup',
  '6~': 'pagedown',
  '7~': 'home',
  '8~': 'end',
};

const CONTROLS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\b': 'backspace',
};

const PASTE_BEGINS = '\u001b[200~';
const PASTE_ENDS = '\u001b[201~';

// eslint-disable-next-line no-control-regex -- sequences are exactly what this must find
const SEQUENCE = /^\u001b(?:\[([0-9;<=>?]*)([ -/]*[@-~])|O([ -~]))/;
// eslint-disable-next-line no-control-regex -- and the beginning of one that has not come as a whole
const UNFINISHED = /^\u001b(?:\[[0-9;<=>?]*[ -/]*|O)?$/;

/**
 * The keys of `text`, and the beginning of a sequence that is not there as a whole: it goes before the next text. A lone ESC is such a
 * beginning; if nothing follows within a moment it was the key.
 */
export function readKeys(text: string): { readonly inputs: readonly Input[]; readonly rest: string } {
  const inputs: Input[] = [];
  let left = text;
  while (left !== '') {
    if (left.startsWith(PASTE_BEGINS)) {
      const end = left.indexOf(PASTE_ENDS);
      if (end === -1) break;
      inputs.push({ kind: 'paste', text: left.slice(PASTE_BEGINS.length, end) });
      left = left.slice(end + PASTE_ENDS.length);
      continue;
    }
    if (UNFINISHED.test(left)) break;
    const [key, length] = firstKey(left);
    if (key !== null) inputs.push({ kind: 'key', key });
    left = left.slice(length);
  }
  return { inputs, rest: left };
}

/** Null for a sequence that stands for no key here. */
function firstKey(text: string): readonly [key: string | null, length: number] {
  const found = SEQUENCE.exec(text);
  if (found !== null) {
    const [whole, numbers = '', last = '', afterO = ''] = found;
    // With Ctrl or Shift, as in ESC [ 1 ; 5 A, a key is the same.
    const [number = ''] = numbers.split(';');
    // With another sign before the numbers it is an answer, or the mouse.
    const isKey = /^[\d;]*$/.test(numbers);
    const name = afterO === '' ? (last === '~' ? `${number}~` : last) : afterO;
    return [afterO === 'M' ? 'enter' : isKey ? (SEQUENCES[name] ?? null) : null, whole.length];
  }
  const [char = ''] = text;
  if (char === '\u001b') return ['escape', 1]; // What follows came quickly after it.
  const code = char.charCodeAt(0);
  if (code >= 32) return [CONTROLS[char] ?? char, char.length];
  return [CONTROLS[char] ?? `ctrl-${String.fromCharCode(code + 96)}`, 1];
}
