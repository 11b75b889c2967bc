/** How every answer is sent: with the headers that keep a browser from doing more with it than it should. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { jsonText } from '../../job/text.ts';
import type { Refusal } from './guard.ts';
import type { Answer } from '../wire.ts';

/** Nothing is loaded from elsewhere, nothing is sent elsewhere, no script stands in a document, and no page shows this one in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export type Fields = Readonly<Record<string, string | number>>;

/** A page that moves to another thread of answers, such as a stream, begins with these. */
export function begin(response: ServerResponse, status: number, fields: Fields): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...fields });
}

export function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  document: unknown,
  fields: Fields = {},
): void {
  const text = jsonText(document);
  const etag = status === 200 && request.method !== 'POST' ? `"${hash(text)}"` : null;
  const known = {
    'cache-control': 'no-store',
    ...(etag === null ? {} : { etag, 'cache-control': 'private, no-cache' }),
  };
  if (etag !== null && isKnown(request, etag)) {
    begin(response, 304, { ...known, ...fields });
    response.end();
    return;
  }
  send(request, response, status, text, { 'content-type': 'application/json; charset=utf-8', ...known, ...fields });
}

/** Whether who asks has this answer. A proxy that zips it makes its ETag a weak one, `W/"…"`, and a cache may name several. */
export function isKnown({ headers }: IncomingMessage, etag: string): boolean {
  const named = headers['if-none-match'] ?? '';
  return named === '*' || named.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

/** Why not, as an Answer: the page and scripts show its text. */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text, headers }: Refusal,
  code: string,
): void {
  const answer: Answer = { text, isGood: false, code };
  // What its body says is not read: the connection cannot be used again. HTTP/2 has a stream for each request, and no such header.
  const close: Fields = request.method === 'POST' && request.httpVersionMajor < 2 ? { connection: 'close' } : {};
  sendJson(request, response, status, answer, { ...close, ...headers });
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  fields: Fields,
): void {
  begin(response, status, { 'content-length': Buffer.byteLength(body), ...fields });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function hash(text: string): string {
  return createHash('sha1').update(text).digest('base64url');
}
