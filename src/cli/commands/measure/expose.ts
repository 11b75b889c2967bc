/**
 * What a worker tells a monitor by itself: over HTTP on this machine alone, and in a file that is written anew now and then. Both tell of
 * the whole spool, as `fsq metrics` does. Neither ever ends the worker: what cannot be told is logged once, until it can be again.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { deleteFile, writeWhole } from '../../../app/project/write.ts';
import { UsageError } from '../../../job/errors.ts';
import { peek, reasonOf } from '../../../job/values/realm.ts';
import type { Logger } from '../../../worker/log.ts';
import { CONTENT_TYPES } from './prometheus.ts';

const LOOPBACK = '127.0.0.1';
/** Names of this machine for itself: a page of another that has its name point here (DNS rebinding) asks under its own. */
const HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** How often the file is written, ms. */
const FILE_EVERY_MS = 15_000;
/** Answers that were gathered within this time are the same, ms: asking again and again must not keep the worker from its work. */
const FRESH_MS = 1_000;
/** A client that is slower is cut off, ms. */
const PATIENCE_MS = 5_000;
const LIMITS = { connections: 16, headerBytes: 8 * 1_024, headers: 64 };

/** Gives the text of all metrics. */
export type Gather = () => Promise<string>;

export interface Exposed {
  close(): Promise<void>;
}

/** Answers `GET /metrics` and nothing else. @param port 0: any that is free @throws UsageError when the port cannot be had */
export async function serveMetrics(
  port: number,
  gather: Gather,
  log: Logger,
): Promise<Exposed & { readonly port: number }> {
  const { createServer } = process.getBuiltinModule('node:http');
  const fresh = remembered(gather);
  const told = complaints(log, 'the metrics cannot be told');
  const server = createServer({ maxHeaderSize: LIMITS.headerBytes }, (request, response) => {
    void answer(request, response, fresh, told);
  });
  server.maxHeadersCount = LIMITS.headers;
  server.maxConnections = LIMITS.connections;
  server.requestTimeout = server.headersTimeout = server.timeout = PATIENCE_MS;
  await listening(server, port);
  // It must not keep a worker alive that has nothing left to do.
  server.unref();
  const address: unknown = server.address();
  return {
    port: Number(peek(address, 'port')),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new UsageError(portText(port, error), 'FSQ_USAGE', { cause: error })));
    server.listen(port, LOOPBACK, resolve);
  });
}

function portText(port: number, error: unknown): string {
  const code = peek(error, 'code');
  if (code === 'EADDRINUSE')
    return `Expected --metrics-port to name a free port of ${LOOPBACK}, got ${port}: another program uses it. 0 takes any that is free`;
  const advice = code === 'EACCES' ? '. Ports below 1024 need more rights than this user has' : '';
  return `Expected --metrics-port to name a port that can be had, got ${port}: ${reasonOf(error)}${advice}`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  gather: Gather,
  told: (error: unknown) => void,
): Promise<void> {
  const refusal = refusalOf(request);
  if (refusal !== null) return say(response, refusal.status, refusal.text, refusal.headers);
  try {
    const text = await gather();
    told(null);
    say(response, 200, text, { 'content-type': CONTENT_TYPES.prometheus });
  } catch (error) {
    told(error);
    say(response, 503, `The metrics cannot be told now: ${reasonOf(error)}\n`);
  }
}

interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Null for what is answered. */
export function refusalOf({
  method,
  url = '',
  headers,
}: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): Refusal | null {
  if (!HOSTS.has((headers.host ?? '').replace(/:\d*$/, '').toLowerCase()))
    return { status: 403, text: 'This port is for programs of this machine: ask for http://127.0.0.1/metrics\n' };
  if (url.replace(/\?.*$/, '') !== '/metrics')
    return { status: 404, text: 'There is /metrics here, and nothing else.\n' };
  if (method !== 'GET') return { status: 405, text: 'Only GET is answered.\n', headers: { allow: 'GET' } };
  return null;
}

function say(response: ServerResponse, status: number, text: string, headers: Refusal['headers'] = {}): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // What a client sends besides is not read.
    connection: 'close',
    ...headers,
  });
  response.end(text);
}

/** Writes the metrics to `path` now and then, in one step each time; the file goes when the worker ends, as its figures are old then. */
export function writeMetrics(path: string, gather: Gather, log: Logger): Exposed {
  const told = complaints(log, `the metrics cannot be written to ${path}`);
  let isClosed = false;
  let underWay: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    try {
      const text = await gather();
      if (!isClosed) writeWhole(path, text);
      told(null);
    } catch (error) {
      told(error);
    }
  };
  const round = (): void => void (underWay = write());
  const timer = setInterval(round, FILE_EVERY_MS).unref();
  round();
  return {
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await underWay;
      deleteFile(path);
    },
  };
}

/** All who ask while it is gathered, and within a second after that, get one answer. */
function remembered(gather: Gather): Gather {
  let last: Promise<string> | null = null;
  return () => {
    if (last !== null) return last;
    const text = gather();
    last = text;
    const forget = (): void => void (last = null);
    text.then(() => setTimeout(forget, FRESH_MS).unref(), forget);
    return text;
  };
}

/** Logs the first of the same complaints in a row. */
function complaints(log: Logger, lead: string): (error: unknown) => void {
  let before: string | null = null;
  return (error) => {
    const text = error === null ? null : reasonOf(error);
    if (text !== null && text !== before) log.warn(`${lead}: ${text}`);
    before = text;
  };
}
