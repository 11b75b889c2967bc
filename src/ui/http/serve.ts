/** A server of its own for the page: on this machine alone, unless its user names another address. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { UsageError } from '../../job/errors.ts';
import { escape, inShell } from '../../job/text.ts';
import { peek, reasonOf } from '../../job/values/realm.ts';
import { clearSocket } from '../page-files.ts';

const LIMITS = { connections: 256, headerBytes: 16 * 1_024 };
/**
 * So many requests of one connection are answered at once. Browsers, scripts and proxies send one after the other; who sends thousands and reads
 * none of the answers would fill the memory with these.
 */
const MOST_AT_ONCE = 16;
/** A client that is slower with its request is cut off, ms; so often it is looked for such. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 5_000;

/** An address with a port, of which 0 means any that is free; or the path of a Unix socket, which only this user may open. */
export type Where = { readonly host: string; readonly port: number } | { readonly socket: string };

export interface Serving {
  /** Of an address: the port; of a socket: null. */
  readonly port: number | null;
  close(): Promise<void>;
}

/** @throws UsageError for an address that cannot be had */
export async function serve(listener: RequestListener, where: Where): Promise<Serving> {
  const server = createServer(
    { maxHeaderSize: LIMITS.headerBytes, connectionsCheckingInterval: LOOK_MS },
    fewAtOnce(listener),
  );
  // Node.js leaves out the rest without a word: what is asked of a header must be asked of all. Their bytes are limited.
  server.maxHeadersCount = 0;
  server.maxConnections = LIMITS.connections;
  server.requestTimeout = server.headersTimeout = PATIENCE_MS;
  if ('socket' in where) await listenOnSocket(server, where.socket);
  else await listening(server, () => server.listen({ ...where, exclusive: true }), `${where.host}:${where.port}`);
  const port: unknown = peek(server.address(), 'port');
  return {
    port: typeof port === 'number' ? port : null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Ends a connection with more requests than that. */
function fewAtOnce(listener: RequestListener): RequestListener {
  const open = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    const count = (open.get(socket) ?? 0) + 1;
    if (count > MOST_AT_ONCE) return void socket.destroy();
    open.set(socket, count);
    response.once('close', () => open.set(socket, (open.get(socket) ?? 1) - 1));
    listener(request, response);
  };
}

/** The kernel keeps the path of a socket in a field of this length, of which the last byte is 0; what is longer Node.js cuts off without a word. */
const MOST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** One that an earlier server has left behind is removed first; one that answers is not. */
async function listenOnSocket(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes === 0 || bytes > MOST_PATH_BYTES)
    throw new UsageError(
      `Expected the path of a socket to have 1 to ${MOST_PATH_BYTES} bytes, got ${bytes}. A path from the current folder is shorter`,
    );
  if (await isAnswered(path)) throw taken(path, 'End that one, or give another path');
  const lack = clearSocket(path);
  if (lack === 'no folder')
    throw new UsageError(
      `Expected a folder for the socket ${escape(path)}, and there is none: \`mkdir -m 700 ${inShell(dirname(path))}\` makes it`,
    );
  if (lack === 'no socket')
    throw new UsageError(
      `Expected the path of a socket, got ${escape(path)}, where something else is. It stays: give another path`,
    );
  // Nobody else may open it, from its first moment on.
  const before = process.umask(0o177);
  try {
    await listening(server, () => server.listen(path), path);
  } finally {
    process.umask(before);
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function listening(server: Server, listen: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(refusal(error, where)));
    server.once('listening', () => resolve());
    listen();
  });
}

function refusal(error: unknown, where: string): UsageError {
  const code = peek(error, 'code');
  if (code === 'EADDRINUSE') return taken(where, '`--port 0` takes any port that is free');
  const advice =
    code === 'EACCES'
      ? '. Ports below 1024, and folders of others, need more rights than this user has'
      : code === 'EADDRNOTAVAIL'
        ? '. This machine has no such address'
        : '';
  return new UsageError(
    `Expected an address that can be had, got ${escape(where)}: ${reasonOf(error)}${advice}`,
    'FSQ_USAGE',
    {
      cause: error,
    },
  );
}

function taken(where: string, advice: string): UsageError {
  return new UsageError(
    `Expected an address that is free, got ${escape(where)}: another program answers there, perhaps an \`fsq ui\`. ${advice}`,
  );
}
