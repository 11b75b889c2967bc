/** The JSON of a request's body, whoever has read it: the page's server, or a framework before it. */
import type { IncomingMessage } from 'node:http';
import { UsageError } from '../../job/errors.ts';
import { peek, reasonOf } from '../../job/values/realm.ts';

/** @throws UsageError for what is none, is longer than `mostBytes`, or was read before and is not to be had */
export async function bodyOf(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  return request.readableEnded ? readBefore(request) : parsed((await contentOf(request, mostBytes)).toString());
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
  if (ArrayBuffer.isView(body)) return parsed(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  if (typeof body === 'object' && body !== null) return body;
  throw new UsageError(
    'The body of this request was read before the page got it, and is not its `body`. Let the server give the page its requests before it reads them: docs/ui.md says how',
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`Expected a body of JSON: ${reasonOf(error)}`, 'FSQ_USAGE', { cause: error });
  }
}
