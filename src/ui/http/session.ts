/**
 * Who may see the page: whoever has the token. A script sends it with each request; a browser changes it once for a cookie, which no script
 * of the page can read, and which no other site can send.
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

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

export class Session {
  readonly #token: Buffer;
  /** The cookie's value is another one: whoever sees it does not have the token. */
  readonly #value: string;
  /** Cookies know no ports: pages of several queues on one machine each have their own. */
  readonly #name: string;

  constructor(token: string) {
    this.#token = digest(token);
    this.#value = createHash('sha256').update(`fsq page cookie\0${token}`).digest('base64url');
    this.#name = `fsq-${createHash('sha256').update(`fsq page name\0${token}`).digest('hex').slice(0, 12)}`;
  }

  isToken(text: string): boolean {
    return timingSafeEqual(digest(text), this.#token);
  }

  /** Whether these headers are of somebody who has, or had, the token. */
  knows(headers: Headers): boolean {
    const token = bearer(headers);
    if (token !== null) return this.isToken(token);
    const value = cookie(headers, this.#name);
    return value !== null && timingSafeEqual(digest(value), digest(this.#value));
  }

  /** For `Set-Cookie`. It ends with the browser. @param path of the page, with a slash at its end */
  cookie(path: string, isEncrypted: boolean): string {
    return `${this.#name}=${this.#value}; Path=${path}; HttpOnly; SameSite=Strict${isEncrypted ? '; Secure' : ''}`;
  }
}

/** Of equal length for texts of any length: comparing these takes always as long. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
