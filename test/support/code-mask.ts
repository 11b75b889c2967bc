/**
 * Blanks out what is not code in a TypeScript text, so that a rule about code does not trip over a comment or a message.
 * Offsets and line numbers stay as they are. It knows comments, strings, templates with their `${…}` and regular expressions.
 */

/** The text with comments, and the inside of strings, templates and regular expressions, turned into spaces; the quotes stay. */
export function maskCode(text: string): string {
  let masked = '';
  let at = 0;
  /** For each template we are inside of, how many braces are open in its `${…}`. */
  const templates: number[] = [];

  while (at < text.length) {
    const piece = pieceAt(text, at, masked, templates);
    masked += piece.keep ? text.slice(at, piece.end) : blank(text.slice(at, piece.end), piece.quoted);
    at = piece.end;
  }
  return masked;
}

interface Piece {
  readonly end: number;
  readonly keep: boolean;
  /** Whether the first and last character are delimiters that stay. */
  readonly quoted: boolean;
}

function pieceAt(text: string, at: number, before: string, templates: number[]): Piece {
  const char = text.charAt(at);
  if (text.startsWith('//', at)) return comment(endOf(text, at, /\n|$/g));
  if (text.startsWith('/*', at)) return comment(endOf(text, at + 2, /\*\//g));
  if (char === "'" || char === '"')
    return quoted(endOf(text, at + 1, char === '"' ? /(?:\\[^]|[^"\\])*"/g : /(?:\\[^]|[^'\\])*'/g));
  if (char === '/' && startsRegExp(before))
    return quoted(endOf(text, at + 1, /(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[\n])+\//g));
  if (char === '`') return template(text, at, templates);

  const open = templates.at(-1);
  if (open !== undefined && char === '{') templates[templates.length - 1] = open + 1;
  if (open !== undefined && char === '}') {
    templates[templates.length - 1] = open - 1;
    if (open === 1) {
      templates.pop();
      return template(text, at, templates);
    }
  }
  return { end: at + 1, keep: true, quoted: false };
}

/** From a backtick, or from the brace that ends a `${…}`, up to the closing backtick or the next `${`. */
function template(text: string, at: number, templates: number[]): Piece {
  const end = endOf(text, at + 1, /(?:\\[^]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/g);
  if (text.charAt(end - 1) === '{') templates.push(1);
  return quoted(end);
}

function comment(end: number): Piece {
  return { end, keep: false, quoted: false };
}

function quoted(end: number): Piece {
  return { end, keep: false, quoted: true };
}

/** Where `pattern`, tried from `from` on, ends; the end of the text if it does not match (an unfinished literal). */
function endOf(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : text.length;
}

/** A slash divides after an operand; after anything else, or after a keyword that wants a value, it opens a regular expression. */
function startsRegExp(before: string): boolean {
  const tail = before.trimEnd();
  if (/(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|await|yield)$/.test(tail)) return true;
  return !/[\w$)\]}'"`]$/.test(tail);
}

function blank(text: string, isQuoted: boolean): string {
  const spaces = (part: string): string => part.replace(/[^\n]/g, ' ');
  return isQuoted ? text.charAt(0) + spaces(text.slice(1, -1)) + text.charAt(text.length - 1) : spaces(text);
}
