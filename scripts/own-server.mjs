/**
 * A server of one's own, for a test or the bench: on a free port of 127.0.0.1, gone with the process that started it, however that ends.
 * What the server is, and when it answers, its caller says.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Between finding a free port and the server taking it, another program may take it. */
const ATTEMPTS = 5;
const START_MS = 20_000;
/** How long a server is given for its end; then it is killed. */
const STOP_MS = 10_000;
/** For setpriv(1). */
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];

/**
 * Starts `command` and waits until it answers.
 *
 * `stop()` ends the server by its pid, so does this process's exit, and where setpriv(1) is installed the kernel does it when this process is
 * killed.
 *
 * @param {object} server
 * @param {(port: number) => string[]} server.command what is run, in the foreground, on this port
 * @param {(port: number, pid: number) => boolean | Promise<boolean>} server.answers whether this process, and not another one, answers there
 * @param {number} [server.port] this port and no other: that of a server that was stopped
 * @param {boolean} [server.asNobody] as the user nobody, where this user is root: for servers that refuse root. Default false
 * @param {'KILL' | 'QUIT'} [server.deathSignal] what ends it at once when this process dies. Default KILL
 * @returns {Promise<{ port: number, pid: number, stop: (signal?: NodeJS.Signals) => Promise<void> }>}
 * @throws when it did not start, with the last line that it said
 */
export async function startServer({ command, answers, port, asNobody = false, deathSignal = 'KILL' }) {
  let said = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const at = port ?? (await freePort());
    const server = spawnServer([...launcher(asNobody, deathSignal), ...command(at)], `SIG${deathSignal}`);
    const out = collect(server);
    if (server.pid !== undefined && (await isUp(server, () => answers(at, server.pid)))) {
      holdLoop(server, 'unref');
      return { port: at, pid: server.pid, stop: (signal = 'SIGTERM') => stop(server, signal) };
    }
    await stop(server, 'SIGKILL');
    said = out();
  }
  throw new Error(`The server did not start: ${said.trim().split('\n').at(-1)}`);
}

/** @param {string} program a name on the PATH, or a path */
export function isInstalled(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** The words before a command that is to run as nobody, where this user is root. */
export function asNobodyIfRoot() {
  return process.getuid?.() === 0 ? ['setpriv', ...NOBODY] : [];
}

function launcher(asNobody, deathSignal) {
  const user = asNobody ? asNobodyIfRoot().slice(1) : [];
  // The kernel forgets the signal at a change of the user, so one setpriv does both, in the right order.
  return isInstalled('setpriv') ? ['setpriv', ...user, '--pdeathsig', deathSignal] : [];
}

function spawnServer([command, ...args], deathSignal) {
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => server.kill(deathSignal);
  process.once('exit', kill);
  server.once('exit', () => process.off('exit', kill));
  server.once('error', () => process.off('exit', kill));
  return server;
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

/** Whether it answers before it ends or the time is over. */
async function isUp(server, answers) {
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await wait(10)) {
    if (hasEnded(server)) return false;
    if (await answers()) return true;
  }
  return false;
}

async function stop(server, signal) {
  if (hasEnded(server)) return;
  holdLoop(server, 'ref');
  const ended = once(server, 'exit');
  server.kill(signal);
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** A server that runs does not keep this process from ending: the test runner tells who uses the server last only when nothing else goes on. */
function holdLoop(server, how) {
  for (const handle of [server, server.stdout, server.stderr]) handle[how]();
}

function hasEnded(server) {
  return server.pid === undefined || server.exitCode !== null || server.signalCode !== null;
}
