/** JSON as a tree that opens by and by: what a closed branch says of itself, and which children it has. Pure. */
import type { JsonValue } from '../../src/job/values/json.ts';
import { cutText } from './marks.ts';

/** Of a branch with more, the rest is shown when it is asked for. */
export const CHILDREN_AT_ONCE = 100;

export interface Child {
  readonly name: string;
  readonly value: JsonValue;
}

export function isBranch(value: JsonValue): value is readonly JsonValue[] | { readonly [key: string]: JsonValue } {
  return value !== null && typeof value === 'object';
}

export function childrenOf(value: JsonValue): readonly Child[] {
  if (Array.isArray(value)) return value.map((child: JsonValue, i) => ({ name: String(i), value: child }));
  return isBranch(value) ? Object.entries(value).map(([name, child]) => ({ name, value: child })) : [];
}

/** In one line: `{ to: "ada@…", lines: [3] }`, at most about `most` characters. */
export function preview(value: JsonValue, most = 60): string {
  if (!isBranch(value)) return leaf(value, most);
  const isList = Array.isArray(value);
  const children = childrenOf(value);
  if (children.length === 0) return isList ? '[]' : '{}';
  const parts: string[] = [];
  let room = most;
  for (const { name, value: child } of children) {
    if (room <= 0) {
      parts.push('…');
      break;
    }
    const text = (isList ? '' : `${name.slice(0, 30)}: `) + short(child, room);
    parts.push(text);
    room -= text.length + 2;
  }
  return isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
}

function short(value: JsonValue, room: number): string {
  if (!isBranch(value)) return leaf(value, Math.max(8, Math.min(30, room)));
  const many = childrenOf(value).length;
  return Array.isArray(value) ? `[${many}]` : many === 0 ? '{}' : '{…}';
}

/** A leaf as JSON, long strings with an ellipsis before the closing quote. */
function leaf(value: JsonValue, most: number): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return value.length <= most ? JSON.stringify(value) : `${JSON.stringify(cutText(value, most).text).slice(0, -1)}…"`;
}

/**
 * What is wrong with what somebody typed as the arguments of a call; null: it is a JSON array. It is sent as it was typed: a number of many digits
 * would be another one if it were read and written here, and the server could not tell.
 */
export function troubleInArgs(text: string): string | null {
  try {
    return Array.isArray(JSON.parse(text)) ? null : 'The arguments are a list: put [ and ] around them.';
  } catch (error) {
    return `This is not JSON yet: ${error instanceof Error ? error.message : 'it does not parse'}`;
  }
}
