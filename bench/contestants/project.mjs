/** A user's project in a folder of its own, and `fsq worker` run in it: what the contestants of fsq's side share. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createApp } from '../../dist/index.js';
import { BENCH, CHECKOUT } from '../places.mjs';

export const BIN = join(CHECKOUT, 'bin/fsq.js');
const READY_MS = 30_000;

/**
 * @param {string} dir exists and is empty
 * @returns {{ path: string, spool: string, go: string }} `go`: the file that opens the gate (see tasks.js)
 */
export function makeProject(dir) {
  mkdirSync(join(dir, 'node_modules'));
  mkdirSync(join(dir, 'gate'));
  symlinkSync(CHECKOUT, join(dir, 'node_modules/fsq'));
  writeFileSync(join(dir, 'package.json'), '{"name":"bench-project","type":"module"}');
  copyFileSync(join(BENCH, 'contestants/tasks.mjs'), join(dir, 'tasks.js'));
  return { path: dir, spool: join(dir, 'spool'), go: join(dir, 'gate/go') };
}

/**
 * A producer's view of the project: an app and the tasks of tasks.mjs, by name.
 *
 * @param {{ spool: string }} project
 * @param {Readonly<Record<string, unknown>>} config
 */
export function producer({ spool }, config) {
  const app = createApp({ spool, ...config });
  const names = /** @type {const} */ (['noop', 'add', 'echo', 'sleep', 'gate', 'phoenix']);
  const tasks = Object.fromEntries(names.map((name) => [name, app.task(name, async () => null)]));
  return { app, ...tasks };
}

/**
 * Starts `fsq worker` and resolves when all its children are ready.
 *
 * @param {{ path: string, spool: string }} project
 * @param {readonly string[]} args
 * @param {{ children: number, fsync?: boolean, env?: Record<string, string> }} options
 */
export async function startWorker(project, args, { children, fsync = false, env = {} }) {
  const child = spawn(process.execPath, [BIN, 'worker', '-c', String(children), ...args], {
    cwd: project.path,
    env: { ...process.env, FSQ_FSYNC: fsync ? '1' : '0', FSQ_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  let isOver = false;
  void ended.then(() => (isOver = true));
  // The supervisor proves its life by a record as well.
  await until(() => isOver || ownersIn(project).length > children, READY_MS, 'the worker to be ready');
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { pid: child.pid ?? 0, ended, stop };
}

/** The pids of a spool's processes, as their records say. */
export function ownersIn({ spool }) {
  const records = list(join(spool, 'workers')).filter((name) => name.endsWith('.json'));
  return records.map((name) => Number.parseInt(name, 10));
}

/** How many children wait at the gate. */
export function atGate(project) {
  return list(join(project.path, 'gate')).length;
}

/** Lets them all through. @returns {number} when, Unix ms */
export function openGate(project) {
  const openedMs = now(); // Before it, or a process that is held up in between would count what had ended by then as older.
  writeFileSync(project.go, '');
  return openedMs;
}

/**
 * When the last outcome became visible, Unix ms: a rename sets a file's ctime, to the tick of the kernel's clock (4 ms).
 */
export function lastOutcomeMs({ spool }) {
  const results = join(spool, 'results');
  return Math.max(...list(results).map((name) => statSync(join(results, name)).ctimeMs));
}

/** Waits until there are `count` outcomes. Looking costs next to nothing while new ones come: one stat, 20 times a second. */
export async function outcomes({ spool }, count, timeoutMs = 150_000) {
  const results = join(spool, 'results');
  const giveUpAt = performance.now() + timeoutMs;
  for (let before = -1; ;) {
    const { mtimeMs } = statSync(results);
    if (mtimeMs === before && readdirSync(results).length >= count) return;
    before = mtimeMs;
    if (performance.now() > giveUpAt) throw new Error(`there are ${readdirSync(results).length} of ${count} outcomes`);
    await wait(50);
  }
}

export function list(path) {
  return existsSync(path) ? readdirSync(path) : [];
}

/** Unix ms, finer than Date.now(). */
export function now() {
  return performance.timeOrigin + performance.now();
}

export async function until(isTrue, timeoutMs, what, everyMs = 2) {
  const giveUpAt = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await wait(everyMs);
  }
}

/** The options of a contestant. */
export function readOptions() {
  return JSON.parse(process.argv[2] ?? '{}');
}

export function print(figures) {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
