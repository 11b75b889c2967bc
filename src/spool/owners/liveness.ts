/**
 * Whether a process lives, told by a Unix socket that it listens on: the kernel drops it when the process dies, and only then.
 *
 * While the process lives, connecting succeeds, or gives EAGAIN when the queue is full, also while the process is stopped or
 * blocked. Once the process is gone, even as a zombie, connecting is refused (unix(7), connect(2)). Leases by mtime, kill(pid, 0)
 * and machine ids are not used: they fail on suspend, zombies, reused pids and containers.
 */
import type * as Net from 'node:net';
import { reasonOf } from '../../job/values/realm.ts';
import { SpoolError } from '../../job/errors.ts';
import type { SpoolContext } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import { unlinkIfThere } from '../disk/if-there.ts';

export type Verdict =
  | { readonly verdict: 'alive' }
  | { readonly verdict: 'dead' }
  | { readonly verdict: 'unknown'; readonly reason: string };

/** The socket of this process, as one owner. */
export interface LifeSocket {
  /**
   * Closes it: from now on others see this owner as dead. The last act of an orderly end.
   *
   * @param isForgotten false leaves the socket's name, which then refuses connections: a recoverer finds this owner dead
   */
  close(isForgotten: boolean): Promise<void>;
}

/** Why nothing is known of an owner that has no socket. */
export const MISSING = 'its socket is missing';

/** How long a connection may take, ms; then nothing is known. A local socket answers at once. */
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Listens as `owner`. The socket gets its name only when it listens: between bind(2) and listen(2) it refuses connections, as
 * that of a dead process does. If we die before the rename, the socket in tmp/ is swept like any draft.
 *
 * @throws the system error when the socket cannot be made
 */
export async function listenAs(context: SpoolContext, owner: string): Promise<LifeSocket> {
  const { files, layout } = context;
  const path = `${layout.workers}/${owner}.sock`;
  const draft = context.uniqueName();
  const server = net().createServer((socket) => socket.destroy());
  const directory = files.openDirectory(layout.tmp);
  try {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(shortPath(layout.tmp, directory, draft), resolve);
      });
    } finally {
      files.close(directory);
    }
    // A process that may not write to a socket cannot connect to it, and would learn nothing.
    files.restrict(`${layout.tmp}/${draft}`);
    files.rename(`${layout.tmp}/${draft}`, path);
  } catch (error) {
    server.close(); // A server that listens would keep the process alive.
    removeQuietly(context.files, `${layout.tmp}/${draft}`);
    throw whyNoSocket(context, draft, error);
  }
  server.on('error', () => {
    // Accepting failed (no descriptors, say). The socket still listens, and others can still connect to it.
  });
  server.unref();
  return {
    close: async (isForgotten) => {
      if (isForgotten) unlinkIfThere(context.files, path);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * What the kernel says of the process that listens as `owner`. Never throws: where the kernel cannot be asked, nothing is known.
 *
 * @param keep takes over a connection that was accepted: the other process closes it when its event loop turns. False, as is the default: it is
 * closed here, at once
 */
export async function probe(
  context: SpoolContext,
  owner: string,
  keep: (socket: Net.Socket) => boolean = () => false,
): Promise<Verdict> {
  let directory: number;
  try {
    directory = context.files.openDirectory(context.layout.workers);
  } catch (error) {
    return unknown(error); // No descriptor is left, or workers/ may not be read: that says nothing of the owner.
  }
  try {
    return await new Promise<Verdict>((resolve) => {
      const socket = net().connect(shortPath(context.layout.workers, directory, `${owner}.sock`));
      const conclude = (verdict: Verdict): void => {
        socket.destroy();
        resolve(verdict);
      };
      socket.setTimeout(PROBE_TIMEOUT_MS, () => conclude({ verdict: 'unknown', reason: 'its socket did not answer' }));
      socket.once('connect', () => (keep(socket) ? resolve : conclude)({ verdict: 'alive' }));
      socket.once('error', (error) => conclude(judge(error)));
    });
  } finally {
    context.files.close(directory);
  }
}

function judge(error: Error): Verdict {
  if (hasCode(error, 'EAGAIN')) return { verdict: 'alive' };
  if (hasCode(error, 'ECONNREFUSED')) return { verdict: 'dead' };
  return unknown(error);
}

function unknown(error: unknown): Verdict {
  if (hasCode(error, 'ENOENT')) return { verdict: 'unknown', reason: MISSING };
  return { verdict: 'unknown', reason: reasonOf(error) };
}

/** Loaded with the first socket: a program that only sends jobs starts sooner without. */
function net(): typeof Net {
  return process.getBuiltinModule('node:net');
}

/** Longest path of a socket, bytes; see unix(7), sun_path. The kernel's interface cuts a longer one without an error. */
const MAX_SOCKET_PATH = 107;

/**
 * A path of a socket that is short enough although a spool may lie deep: through the directory's own descriptor, as Linux shows
 * it in /proc. Other systems have no such way, and refuse a long path.
 */
function shortPath(path: string, descriptor: number, name: string): string {
  const whole = `${path}/${name}`;
  const isShort = Buffer.byteLength(whole) <= MAX_SOCKET_PATH;
  return isShort || process.platform !== 'linux' ? whole : `/proc/self/fd/${descriptor}/${name}`;
}

/** Where the spool lies deep and /proc is not mounted: an error that says so. Else the error itself. */
function whyNoSocket({ files, layout }: SpoolContext, draft: string, error: unknown): unknown {
  const isLong = Buffer.byteLength(`${layout.tmp}/${draft}`) > MAX_SOCKET_PATH;
  if (!isLong || process.platform !== 'linux' || files.exists('/proc/self/fd')) return error;
  return new SpoolError(
    'FSQ_SPOOL',
    `The path of the spool is too long for a socket (${MAX_SOCKET_PATH} bytes with the names below it), and /proc, by which it can be shortened, is not mounted: mount /proc, or choose a shorter path with FSQ_SPOOL.`,
    { cause: error },
  );
}
