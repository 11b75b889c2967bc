/** Whether what a program gave its page are a request and a response of node:http, whichever framework they come from. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from '../../job/errors.ts';
import { peek } from '../../job/values/realm.ts';

const HOW =
  '. Frameworks have them as `request.raw` and `reply.raw` (Fastify), `c.env.incoming` and `c.env.outgoing` (Hono on Node.js), `req` and `res` of an API route (Next.js, pages)';

/** @throws UsageError for what is neither, such as a Request of the web */
export function nodePair(
  request: unknown,
  response: unknown,
): { readonly request: IncomingMessage; readonly response: ServerResponse } {
  if (!isRequest(request)) return refuse('the request', 'one of node:http', request, HOW);
  if (!isResponse(response)) return refuse('the response', 'one of node:http', response, HOW);
  return { request, response };
}

/** A request of any kind, or what a framework gives in its place: of node:http, Express, Fastify and the web; with the request in it, of Koa and Hono. */
export function isAnyRequest(value: unknown): boolean {
  return [value, peek(value, 'req')].some((one) =>
    ['method', 'url'].every((key) => typeof peek(one, key) === 'string'),
  );
}

function isRequest(value: unknown): value is IncomingMessage {
  return typeof peek(value, 'url') === 'string' && typeof peek(value, 'on') === 'function' && isThere(value, 'socket');
}

function isResponse(value: unknown): value is ServerResponse {
  return ['writeHead', 'write', 'end', 'on'].every((name) => typeof peek(value, name) === 'function');
}

function isThere(value: unknown, key: string): boolean {
  const found = peek(value, key);
  return typeof found === 'object' && found !== null;
}
