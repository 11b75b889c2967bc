/**
 * Who may see the page: whoever has the token. A script sends it with each request. A browser changes it once for two things: a cookie, which no
 * script of the page can read and no other site can send, and a door, a part of the path at which the page asks from then on.
 *
 * A cookie alone would not do. It knows no ports: a browser sends it to whatever listens under the same name, such as a server of another user of
 * this machine, who could read it there. It is bound to the path of the door, which only this page keeps, by origin and so by port.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { UsageError } from '../../job/errors.ts';
import { bearer, cookie, type Headers } from './guard.ts';

/** A token that somebody has chosen has so many characters at least. */
export const LEAST_TOKEN = 16;
const TOKEN_BYTES = 24;

/** @throws UsageError for what is no text, is too short, or what no header can carry */
export function checkToken(token: unknown, name: string): string {
  if (typeof token === 'string' && token.length >= LEAST_TOKEN && /^[\w.~+/=-]+$/.test(token)) return token;
  // It is a secret, and not told.
  const length = typeof token === 'string' ? token.length : null;
  const got = length === null ? 'what is no text' : length < LEAST_TOKEN ? `${length} characters` : 'others';
  throw new UsageError(
    `Expected ${name} to be at least ${LEAST_TOKEN} letters, digits or any of . _ ~ + / = -, got ${got}`,
  );
}

/** What stands before a door in a path. */
const DOOR = 'door';
const DOOR_PATH = new RegExp(`^/${DOOR}/([^/]+)(/api/.*)$`);

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

export class Session {
  readonly #token: Buffer;
  /** The cookie's value is another one: whoever sees it does not have the token. */
  readonly #value: string;
  /** Pages of several queues on one machine each have their own. */
  readonly #name: string;
  /** A part of a path. */
  readonly door: string;

  constructor(token: string) {
    this.#token = digest(token);
    this.#value = createHash('sha256').update(`fsq page cookie\0${token}`).digest('base64url');
    this.#name = `fsq-${createHash('sha256').update(`fsq page name\0${token}`).digest('hex').slice(0, 12)}`;
    this.door = createHash('sha256').update(`fsq page door\0${token}`).digest('base64url').slice(0, 32);
  }

  isToken(text: string): boolean {
    return timingSafeEqual(digest(text), this.#token);
  }

  /** Whether these headers are of somebody who has, or had, the token. @param door by which they came; null: by none */
  knows(headers: Headers, door: string | null): boolean {
    const token = bearer(headers);
    if (token !== null) return this.isToken(token);
    const value = cookie(headers, this.#name);
    return value !== null && door !== null && isSame(value, this.#value) && isSame(door, this.door);
  }

  /** For `Set-Cookie`. It ends with the browser. @param path of the page, with a slash at its end */
  cookie(path: string, isEncrypted: boolean): string {
    return `${this.#name}=${this.#value}; Path=${path}${DOOR}/${this.door}/; HttpOnly; SameSite=Strict${isEncrypted ? '; Secure' : ''}`;
  }
}

/** The path of a request by a door, below the page's: the door, and the path that is meant; null for any other. */
export function throughDoor(path: string): { readonly door: string; readonly path: string } | null {
  const [, door, rest] = DOOR_PATH.exec(path) ?? [];
  return door === undefined || rest === undefined ? null : { door, path: rest };
}

function isSame(text: string, other: string): boolean {
  return timingSafeEqual(digest(text), digest(other));
}

/** Of equal length for texts of any length: comparing these takes always as long. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
