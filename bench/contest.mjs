/**
 * Runs contestants: each a program of its own that prints one line of JSON. They take turns, round by round, in a rotated
 * order, so that a slow minute of the machine, or what one leaves behind, meets them all.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH } from './places.mjs';

/**
 * @typedef {object} Contestant
 * @property {string} name unique in its scenario
 * @property {'fsq' | 'limit' | 'peer'} kind
 * @property {string} file below bench/
 * @property {Readonly<Record<string, unknown>>} options given to the program, with the `dir` that it may use
 * @property {Readonly<Record<string, string>>} [env]
 * @property {number} [timeoutMs] default 180,000
 * @property {string} [figure] its main figure, where that is not the scenario's
 * @property {string} [unit] of that figure
 * @property {boolean} [isOnce] true: in the first round only, because it takes minutes
 *
 * @typedef {object} Settings
 * @property {number} rounds
 * @property {string} root
 * @property {string} scenario
 * @property {number} budgetMs no further round begins when these have passed
 * @property {boolean} [isSynced] true: the disk is synced before each run, so that no fsync waits for what another one wrote
 * @property {(name: string, round: number) => void} [onRun]
 */

const TIMEOUT_MS = 180_000;
/** Processes that run now; each leads a group of its own, so that all it started can be ended with it. */
const running = new Set();
let isOver = false;

/**
 * @param {readonly Contestant[]} contestants
 * @param {Settings} settings
 * @returns {Promise<readonly import('./figures.mjs').Result[]>} in the contestants' order
 */
export async function contest(contestants, { rounds, root, scenario, budgetMs, isSynced = false, onRun }) {
  const startedAt = performance.now();
  const results = contestants.map(({ name }) => ({ name, rounds: [], missing: null }));
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && performance.now() - startedAt > budgetMs) break;
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (turn + round) % contestants.length;
      const contestant = contestants[index];
      const result = results[index];
      if (contestant === undefined || result === undefined) continue;
      if (result.missing !== null || (contestant.isOnce === true && round > 0)) continue;
      onRun?.(contestant.name, round);
      const dir = join(root, `${scenario}-${round}-${index}`);
      mkdirSync(dir, { recursive: true });
      if (isSynced) spawnSync('sync', ['-f', root], { stdio: 'ignore' });
      const said = await run(contestant, dir);
      if (typeof said['missing'] === 'string') result.missing = said['missing'];
      else result.rounds[round] = withRate(said);
    }
  }
  return results.map((result) => ({
    ...result,
    rounds: Array.from({ length: rounds }, (_, i) => result.rounds[i] ?? null),
  }));
}

/** Jobs and seconds make a rate. */
function withRate(figures) {
  const { jobs, seconds } = figures;
  return typeof jobs === 'number' && typeof seconds === 'number' && seconds > 0
    ? { ...figures, rate: jobs / seconds }
    : figures;
}

/**
 * Runs one contestant to its end.
 *
 * @param {Contestant} contestant
 * @param {string} dir empty, for its files
 * @returns {Promise<Record<string, unknown>>} what it printed, or `{ missing: why }`
 */
export async function run({ file, options, env = {}, timeoutMs = TIMEOUT_MS }, dir) {
  if (isOver) return { missing: 'the bench was stopped' };
  const path = join(BENCH, file);
  if (!existsSync(path)) return { missing: `bench/${file} is not there` };
  const child = spawn(process.execPath, [path, JSON.stringify({ ...options, dir })], {
    cwd: dir,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-4_000)));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child.pid);
  }, timeoutMs);
  const code = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, signal) => resolve(signal ?? status));
  });
  clearTimeout(timer);
  running.delete(child);
  killGroup(child.pid); // What it left behind must not disturb the next one.
  if (isLate) return { missing: `it did not end within ${timeoutMs / 1000} s` };
  return parse(stdout) ?? { missing: `it ended with ${code}: ${complaint(stderr || stdout)}` };
}

/** The line that says what was wrong, of a stack or of a few last words. */
function complaint(text) {
  const lines = text.trim().split('\n');
  return lines.find((line) => /^(\w*Error\b|\[?cause)/.test(line)) ?? lines.slice(-2).join(' ');
}

function parse(stdout) {
  try {
    const value = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Ends what runs now; nothing more is started. */
export function killAll() {
  isOver = true;
  for (const { pid } of running) killGroup(pid);
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left of it.
  }
}

/** Without what would change how fast Node starts (certificates: 60 ms), or what fsq does. */
function cleanEnvironment() {
  const isOff = (name) => name === 'NODE_EXTRA_CA_CERTS' || name === 'NODE_OPTIONS' || name.startsWith('FSQ_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOff(name)));
}
