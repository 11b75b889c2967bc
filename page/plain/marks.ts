/**
 * Texts that others wrote, made safe to look at: what would not be seen, or would turn the text around it, becomes a visible mark.
 * Pure; the parts become text nodes and small elements in parts/text.tsx.
 */

/** Plain text, or a mark in place of one character. */
export interface TextPart {
  readonly text: string;
  readonly isMark: boolean;
}

/** C0, DEL and C1; what joins or splits without being seen; what sets the direction; what ends a line without being \n. */
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Colours of a terminal: many programs write them, and nobody wants to read them. */
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;:]*m/g;

const ESCAPES: Readonly<Record<string, string>> = { '\0': '\\0', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

const DIRECTIONS: Readonly<Record<string, string>> = {
  '\u200e': 'LRM',
  '\u200f': 'RLM',
  '\u061c': 'ALM',
  '\u202a': 'LRE',
  '\u202b': 'RLE',
  '\u202c': 'PDF',
  '\u202d': 'LRO',
  '\u202e': 'RLO',
  '\u2066': 'LRI',
  '\u2067': 'RLI',
  '\u2068': 'FSI',
  '\u2069': 'PDI',
};

/** @param isOneLine a name: ends of lines and tabs are marks too; else they stay, and \r\n is one end of a line */
export function visibleParts(text: string, isOneLine: boolean): readonly TextPart[] {
  const whole = isOneLine ? text : text.replaceAll('\r\n', '\n');
  const parts: TextPart[] = [];
  let from = 0;
  for (const { 0: character, index } of whole.matchAll(UNSEEN)) {
    if (!isOneLine && (character === '\n' || character === '\t')) continue;
    if (index > from) parts.push({ text: whole.slice(from, index), isMark: false });
    parts.push({ text: markOf(character), isMark: true });
    from = index + character.length;
  }
  if (from < whole.length) parts.push({ text: whole.slice(from), isMark: false });
  return parts;
}

/** The same as one string, for titles and names of elements. */
export function visible(text: string): string {
  return visibleParts(text, true)
    .map((part) => part.text)
    .join('');
}

/** A line of output without the colours that it would have in a terminal. */
export function withoutColours(text: string): string {
  return text.replace(COLOURS, '');
}

/** As a programmer writes it: Unicode has pictures for these, but few fonts have them. */
function markOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x80) return ESCAPES[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
  return `[${DIRECTIONS[character] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}]`;
}

/** `text` up to `most` characters, and how many are left out; no pair of surrogates is cut in two. */
export function cutText(text: string, most: number): { readonly text: string; readonly leftOut: number } {
  if (text.length <= most) return { text, leftOut: 0 };
  const isHigh = /[\ud800-\udbff]/.test(text.charAt(most - 1));
  const end = isHigh ? most - 1 : most;
  return { text: text.slice(0, end), leftOut: text.length - end };
}

/** A sentence with commands in backticks, as its parts; a backtick without an end is text. */
export function withCommands(sentence: string): readonly { readonly text: string; readonly isCommand: boolean }[] {
  return sentence
    .split(/(`[^`]+`)/)
    .filter((part) => part !== '')
    .map((part) =>
      /^`[^`]+`$/.test(part) ? { text: part.slice(1, -1), isCommand: true } : { text: part, isCommand: false },
    );
}
