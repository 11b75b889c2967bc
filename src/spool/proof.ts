/**
 * The proof that a process lives: something the kernel drops when it dies, and only then.
 *
 * On Linux and other Unixes it is a listening Unix socket: connecting succeeds, or says EAGAIN when the queue is full, also while its
 * process is stopped or blocked, and is refused once the process is gone, also as a zombie (unix(7), connect(2)).
 * Not used: leases by mtime, kill(pid, 0), machine ids. They fail on suspend, zombies, reused pids and containers.
 */
import { connect, createServer } from 'node:net';
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';

export type Verdict =
  | { readonly verdict: 'alive' }
  | { readonly verdict: 'dead' }
  | { readonly verdict: 'unknown'; readonly reason: string };

export interface Proof {
  /** Drops the proof: from now on others see this owner as dead. Last act of an orderly end. */
  drop(): Promise<void>;
}

/** How long a connection may take before nothing is concluded, ms. A local socket answers at once. */
const PROBE_TIMEOUT_MS = 1_000;

/** Takes the proof for `owner`. @throws the system error when the socket cannot be made */
export async function takeProof(context: SpoolContext, owner: string): Promise<Proof> {
  const directory = context.files.openDirectory(context.layout.workers);
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath(context, directory, owner), resolve);
    });
  } catch (error) {
    context.files.close(directory);
    throw error;
  }
  server.on('error', () => {
    // Accepting failed (no descriptors, say). The socket still listens, and connecting to it still proves life.
  });
  server.unref();
  return {
    drop: () =>
      new Promise((resolve) => {
        // Closing removes the socket's file through the directory's descriptor, so that one is closed after it.
        server.close(() => {
          context.files.close(directory);
          resolve();
        });
      }),
  };
}

/** What the kernel says of the process that took the proof for `owner`. */
export async function probe(context: SpoolContext, owner: string): Promise<Verdict> {
  const directory = context.files.openDirectory(context.layout.workers);
  try {
    return await new Promise<Verdict>((resolve) => {
      const socket = connect(socketPath(context, directory, owner));
      const conclude = (verdict: Verdict): void => {
        socket.destroy();
        resolve(verdict);
      };
      socket.setTimeout(PROBE_TIMEOUT_MS, () => conclude({ verdict: 'unknown', reason: 'its socket did not answer' }));
      socket.once('connect', () => conclude({ verdict: 'alive' }));
      socket.once('error', (error) => conclude(judge(error)));
    });
  } finally {
    context.files.close(directory);
  }
}

function judge(error: Error): Verdict {
  if (hasCode(error, 'EAGAIN')) return { verdict: 'alive' };
  if (hasCode(error, 'ECONNREFUSED')) return { verdict: 'dead' };
  return { verdict: 'unknown', reason: hasCode(error, 'ENOENT') ? 'its socket is missing' : error.message };
}

/**
 * Socket paths are cut at 107 bytes without a word (unix(7): sun_path), and a spool may lie deeper. Through the directory's
 * own descriptor the path is always short. Elsewhere than on Linux there is no such way and a long path is refused.
 */
function socketPath(context: SpoolContext, directory: number, owner: string): string {
  if (process.platform === 'linux') return `/proc/self/fd/${directory}/${owner}.sock`;
  return `${context.layout.workers}/${owner}.sock`;
}
