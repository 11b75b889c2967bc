/**
 * A redis-server of the bench's own: on a free loopback port, with nothing in it, gone with the bench. There are two kinds:
 *
 * - in memory: no snapshots, no append-only file. That is the fastest that Redis can be, and less durable than the append-only
 *   file that BullMQ's page "Going to production" recommends.
 * - durable: each write is in the append-only file and synced before it is answered (redis.io, "Redis persistence").
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Between finding a free port and Redis taking it, another program may take it. */
const ATTEMPTS = 5;
const START_MS = 10_000;
const STOP_MS = 5_000;
const IN_MEMORY = ['--appendonly', 'no'];
/** The file is never rewritten: that would slow down whoever has the server at that moment. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'];

/**
 * Starts redis-server with `dir` as its working directory.
 *
 * The server dies with this process however that ends: `stop()` ends it by its pid, so does this process's exit, and where
 * setpriv(1) is installed the kernel does it when this process is killed.
 *
 * @param {string} dir on the disk that the fsyncs are to be of
 * @param {{ isDurable?: boolean }} [options]
 * @returns {Promise<{ port: number, stop: () => Promise<void> } | { missing: string }>}
 */
export async function startRedis(dir, { isDurable = false } = {}) {
  if (!isInstalled('redis-server')) return { missing: 'redis-server is not installed (apt-get install redis-server)' };
  mkdirSync(dir, { recursive: true });
  let said = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await freePort();
    const server = spawnServer(port, dir, isDurable ? DURABLE : IN_MEMORY);
    const out = collect(server);
    if (await answers(server, port)) return { port, stop: () => stop(server) };
    await stop(server);
    said = out();
  }
  return { missing: `redis-server did not start: ${said.trim().split('\n').at(-1)}` };
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

function spawnServer(port, dir, persistence) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...persistence];
  const [command, ...rest] = [...dyingWithParent(), 'redis-server', ...args];
  const server = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  server.once('exit', () => process.off('exit', kill));
  return server;
}

function dyingWithParent() {
  return isInstalled('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
}

function isInstalled(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function collect(server) {
  let text = '';
  const add = (chunk) => (text = (text + chunk).slice(-4096));
  server.stdout.on('data', add);
  server.stderr.on('data', add);
  return () => text;
}

async function freePort() {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** Whether this server, and not another that has the port, answers before it ends or the time is over. */
async function answers(server, port) {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await wait(10)) {
    if (server.exitCode !== null || server.signalCode !== null) return false;
    const info = await ask(port, 'INFO server\r\n');
    if (info.includes(`process_id:${server.pid}\r`)) return true;
  }
  return false;
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

async function stop(server) {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
