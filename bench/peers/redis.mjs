/**
 * A redis-server of the bench's own: on a free loopback port, with nothing in it, gone with the bench. There are two kinds:
 *
 * - in memory: no snapshots, no append-only file. That is the fastest that Redis can be, and less durable than the append-only
 *   file that BullMQ's page "Going to production" recommends.
 * - durable: each write is in the append-only file and synced before it is answered (redis.io, "Redis persistence").
 */
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { isInstalled, startServer } from '../../scripts/own-server.mjs';

const COMMON = ['--bind', '127.0.0.1', '--save', ''];
const IN_MEMORY = ['--appendonly', 'no'];
/** The file is never rewritten: that would slow down whoever has the server at that moment. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'];

/**
 * Starts redis-server with `dir` as its working directory.
 *
 * @param {string} dir on the disk that the fsyncs are to be of
 * @param {{ isDurable?: boolean, port?: number }} [options] port: default a free one
 * @returns {Promise<{ port: number, pid: number, stop: (signal?: NodeJS.Signals) => Promise<void> } | { missing: string }>}
 */
export async function startRedis(dir, { isDurable = false, port } = {}) {
  if (!isInstalled('redis-server')) return { missing: 'redis-server is not installed (apt-get install redis-server)' };
  mkdirSync(dir, { recursive: true });
  const persistence = isDurable ? DURABLE : IN_MEMORY;
  try {
    return await startServer({
      command: (at) => ['redis-server', '--port', String(at), ...COMMON, '--dir', dir, ...persistence],
      answers: async (at, pid) => (await isOf(at, pid)) && (await hasLoaded(at)),
      ...(port === undefined ? {} : { port }),
    });
  } catch (error) {
    return { missing: `redis-server: ${error.message}` };
  }
}

async function isOf(port, pid) {
  return (await ask(port, 'INFO server\r\n')).includes(`process_id:${pid}\r`);
}

/** A server that still reads its append-only file tells of itself, and refuses all else (-LOADING). */
async function hasLoaded(port) {
  return (await ask(port, 'PING\r\n')) === '+PONG\r\n';
}

/**
 * Whether the server at `port` syncs each write before it answers.
 *
 * @param {number} port
 */
export async function syncsAlways(port) {
  const answer = await ask(port, 'CONFIG GET append*\r\n');
  return /\r\nappendonly\r\n\$3\r\nyes\r\n/.test(answer) && /\r\nappendfsync\r\n\$6\r\nalways\r\n/.test(answer);
}

function ask(port, command) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(command));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (data) => {
      socket.destroy();
      done(String(data));
    });
    socket.once('error', () => done(''));
    socket.once('close', () => done(''));
  });
}
