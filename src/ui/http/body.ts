/** The JSON of a request's body, whoever has read it: the page's server, or a framework before it. */
import type { IncomingMessage } from 'node:http';
import { UsageError } from '../../job/errors.ts';
import { alteredNumber } from '../../job/values/json.ts';
import { peek, reasonOf } from '../../job/values/realm.ts';

/** @throws UsageError for what is none, is longer than `mostBytes`, or was read before and is not to be had */
export async function bodyOf(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  return request.readableEnded ? readBefore(request) : parsed(textOf(await contentOf(request, mostBytes)));
}

async function contentOf(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new UsageError(`Expected a body of at most ${mostBytes} bytes`, 'FSQ_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Express, Connect and Next.js put what they have read beside the request: parsed, or as it came. */
function readBefore(request: IncomingMessage): unknown {
  const body: unknown = peek(request, 'body');
  if (typeof body === 'string') return parsed(body);
  if (ArrayBuffer.isView(body)) return parsed(textOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength)));
  if (typeof body === 'object' && body !== null) return body;
  throw new UsageError(
    'The body of this request was read before the page got it, and is not its `body`. Let the server give the page its requests before it reads them: docs/ui.md says how',
  );
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError('Expected a body of UTF-8, got other bytes', 'FSQ_USAGE', { cause: error });
  }
}

/** It means what is written, or it is refused: arguments of a job may hang on it. */
function parsed(text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`Expected a body of JSON: ${reasonOf(error)}`, 'FSQ_USAGE', { cause: error });
  }
  const digits = alteredNumber(text);
  if (digits === null) return body;
  const number = digits.slice(0, 40);
  throw new UsageError(
    `The body has the number ${number}, which would arrive as ${Number(digits)}. Send it as a text, "${number}"`,
  );
}
