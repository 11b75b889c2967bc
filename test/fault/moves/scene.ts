/** A place from which jobs move, one to which they move, and the process that moves them: run into a fault at a command or at a call. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, type Migrated } from '../../../src/app/migrating/migrate.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { until, within } from '../../support/conditions.ts';
import { toldOf } from '../../support/movable-jobs.ts';
import { REPOSITORY } from '../../support/project.ts';
import { redisServer } from '../../support/redis-server.ts';
import { type Fault as CallFault, traced } from '../../support/strace.ts';
import { CommandProxy, type CutAt, type Refusal } from '../commands/command-proxy.ts';
import { REDIS } from '../commands/redis-place.ts';
import { openPlace, type Place, type Planted, plant, redisPlace } from './places.ts';

const MOVER = join(REPOSITORY, 'test/fault/moves/mover.mjs');
/** How long the process under fire may take to end by itself, ms: it waits for a server that answers with errors, and the machine may be busy. */
export const LIMIT_MS = 120_000;

export const WAYS = ['spool → Redis', 'Redis → spool', 'Redis → Redis'] as const;
export type Way = (typeof WAYS)[number];

/** At a command that goes to Redis. */
export interface CommandFault {
  readonly nth: number;
  /** `answered`: with this error, instead of being done. */
  readonly at: CutAt | Refusal;
  /** The process is killed at that moment; else it may connect again, or ask again. */
  readonly isDeadly: boolean;
}

export interface Scene {
  readonly folder: string;
  readonly logFile: string;
  /** Those that have a server are behind the proxy. */
  readonly places: readonly [Place, Place];
  readonly proxy: CommandProxy;
  /** Beside the proxy. */
  readonly from: Broker;
  readonly to: Broker;
  readonly planted: Planted;
  /** All that was told of the jobs before they moved. */
  readonly before: readonly unknown[];
}

let scenes = 0;

export async function inScene<T>(way: Way, act: (scene: Scene) => Promise<T>): Promise<T> {
  const redis = await redisServer();
  const proxy = await CommandProxy.open(redis.port, REDIS.protocol);
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'fsq-move-'));
  const number = ++scenes;
  const place = (kind: string, name: string, port: number): Place =>
    kind === 'spool' ? { path: join(folder, name) } : redisPlace(redis.url(`m${process.pid}x${number}${name}`), port);
  const [here = '', there = ''] = way.split(' → ');
  const at = (port: number): readonly [Place, Place] => [place(here, 'from', port), place(there, 'to', port)];
  const [from, to] = await openBoth(at(redis.port));
  const places = at(proxy.port);
  try {
    const planted = await plant(from);
    const before = await toldOf(from, planted.ids);
    return await act({ folder, logFile: join(folder, 'calls'), places, proxy, from, to, planted, before });
  } finally {
    await from.close();
    await to.close();
    proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function openBoth(places: readonly [Place, Place]): Promise<readonly [Broker, Broker]> {
  return [await openPlace(places[0]), await openPlace(places[1])];
}

export interface Run {
  readonly said: readonly string[];
  readonly isHit: boolean;
}

export async function atCommand(
  scene: Scene,
  fault: CommandFault | null,
  onReady: () => Promise<void>,
): Promise<Run & { readonly seen: readonly string[] }> {
  const { proxy } = scene;
  return withMover(scene, async ({ child, exit, said, go }) => {
    await onReady();
    let isHit = false;
    const act = (): void => {
      isHit = true;
      if (fault?.isDeadly === true) child.kill('SIGKILL');
    };
    proxy.count(fault === null ? null : { ...fault, isForGood: false, act });
    go();
    await within(exit, 'the end of the process under fire', LIMIT_MS).catch(() => undefined); // It says so.
    return { said: said(), isHit, seen: proxy.seen };
  });
}

interface Mover {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;
  readonly said: () => readonly string[];
  /** It begins to move. */
  readonly go: () => void;
}

/** Gives the process under fire when it is ready; it is gone after that. */
export async function withMover<T>({ places, proxy }: Scene, act: (mover: Mover) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [MOVER, ...places.map((place) => JSON.stringify(place)), 'waits'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const said = linesOf(child);
  try {
    await until(() => said().includes('ready'), 'the process under fire is ready');
    return await act({ child, exit, said, go: () => child.stdin?.write('go\n') });
  } finally {
    proxy.count(null);
    child.stdin?.destroy();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await exit;
    }
  }
}

function linesOf(child: ChildProcess): () => readonly string[] {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  child.stdin?.on('error', () => undefined); // It was killed.
  return () => text.split('\n').slice(0, -1);
}

export async function atCall(scene: Scene, fault: CallFault): Promise<Run> {
  const { stdout, stderr, signal } = await underTrace(scene, [fault.name], fault);
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  const isHit =
    fault.effect === 'SIGKILL' ? signal === 'SIGKILL' : readFileSync(scene.logFile, 'utf8').includes('(INJECTED)');
  return { said, isHit };
}

export function underTrace(
  { places, logFile }: Scene,
  trace: readonly string[],
  fault?: CallFault,
): ReturnType<typeof traced> {
  const args = places.map((place) => JSON.stringify(place));
  return traced({ program: MOVER, args, trace, logFile, limitMs: LIMIT_MS, ...(fault === undefined ? {} : { fault }) });
}

/** Another process goes on with the move, to its end. */
export async function goOn(places: readonly [Place, Place], waits: boolean): Promise<Migrated['left']> {
  const [from, to] = await openBoth(places);
  try {
    return (await migrate({ from, to, results: false, waits, signal: AbortSignal.timeout(LIMIT_MS) })).left;
  } finally {
    await from.close();
    await to.close();
  }
}
