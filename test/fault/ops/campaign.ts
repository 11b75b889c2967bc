/** One operation, one fault, one try: prepare a spool, run the program into the fault, let a fresh worker clean up, judge. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Call, callsIn, type Fault, traced, type Traced, untraced, wasInjected } from '../../support/strace.ts';
import { isRepeatedLater, type Operation, prepare } from './catalogue.ts';
import type { Planted } from './planting.ts';
import { takeSnapshot, violations } from './verdict.ts';

/** Calls that change the file system, or that something is decided on: death and errors come at each of them. */
export const CALLS: readonly string[] =
  'openat close fsync fdatasync ftruncate pwrite64 pread64 getdents64 rename unlink mkdir rmdir statx bind listen connect inotify_init1 inotify_add_watch'.split(
    ' ',
  );
/** Death also comes before a line is told: between the last change and the promise. */
export const FATAL_CALLS: readonly string[] = [...CALLS, 'write'];
/**
 * Each comes once, too, also those of which the kernel never gives only one by itself: a disk that was read-only (EROFS), or a folder that was
 * closed (EACCES, EPERM), may be mended by somebody before the next call.
 */
export const ERRNOS: readonly string[] = ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EACCES', 'EPERM', 'EROFS', 'EINTR'];
/** Calls that need no room, and what they can fail with. */
const READING = new Set(['pread64', 'getdents64', 'statx', 'listen', 'connect', 'inotify_init1', 'inotify_add_watch']);
const READING_ERRNOS = ['EIO', 'EMFILE', 'EACCES', 'EINTR'];
/**
 * On a local file system only a process that is being killed sees EINTR of it (iterate_dir() waits with down_read_killable). libuv
 * would repeat the call, and silently drop the names that it had read before it in the same uv_fs_readdir().
 */
const NEVER_INTERRUPTED = 'getdents64';

/** How long a process may go on after the first call that fails every time, ms: it waits for the disk, and the disk will not come back. */
const FOR_GOOD_LIMIT_MS = 1_500;

export interface Point {
  readonly operation: Operation;
  readonly fault: Fault;
}

export interface Verdict {
  readonly point: Point;
  /** The call came and the fault with it; a call that depends on timing may not. */
  readonly isHit: boolean;
  readonly violations: readonly string[];
}

/** The calls of `operation` between its marks, in order. */
export async function callsOf(operation: Operation, trace: readonly string[]): Promise<readonly Call[]> {
  return inTemp(async (directory) => {
    const spool = join(directory, 'spool');
    const planted = prepare(operation, spool);
    const logFile = join(directory, 'calls');
    const run = await traced({ ...commandOf(operation, spool, planted), trace, logFile });
    if (run.code !== 0) throw new Error(`${operation.name} fails without any fault: ${run.stdout}${run.stderr}`);
    return callsIn(logFile);
  });
}

/** Death before every call of `operation`. */
export async function killPoints(operation: Operation): Promise<readonly Point[]> {
  return points(operation, await callsOf(operation, FATAL_CALLS), ['SIGKILL'], [false]);
}

/** Every error at every call of `operation`, once and for good. */
export async function errorPoints(operation: Operation): Promise<readonly Point[]> {
  const calls = await callsOf(operation, CALLS);
  const isReading = ({ name }: Call): boolean => READING.has(name);
  return [
    ...points(
      operation,
      calls.filter((call) => !isReading(call)),
      ERRNOS,
      [false, true],
    ),
    ...points(operation, calls.filter(isReading), READING_ERRNOS, [false, true]).filter(
      ({ fault }) => fault.name !== NEVER_INTERRUPTED || fault.effect !== 'EINTR',
    ),
  ];
}

function points(
  operation: Operation,
  calls: readonly Call[],
  effects: readonly string[],
  lasting: readonly boolean[],
): Point[] {
  const unique = new Map(calls.map(({ name, nth }) => [`${name} ${nth}`, { name, nth }]));
  return [...unique.values()].flatMap((call) =>
    effects.flatMap((effect) => lasting.map((isForGood) => ({ operation, fault: { ...call, effect, isForGood } }))),
  );
}

export async function tryPoint(point: Point): Promise<Verdict> {
  return inTemp(async (directory) => {
    const { operation, fault } = point;
    const spool = join(directory, 'spool');
    const planted = prepare(operation, spool);
    const logFile = join(directory, 'calls');
    const isLong = fault.isForGood || (fault.effect !== 'SIGKILL' && isRepeatedLater(operation, fault.effect));
    const limit = isLong ? { limitAfterFaultMs: FOR_GOOD_LIMIT_MS } : {};
    const run = await traced({
      ...commandOf(operation, spool, planted),
      trace: [fault.name],
      logFile,
      fault,
      ...limit,
    });
    const isHit = fault.effect === 'SIGKILL' ? run.signal === 'SIGKILL' : wasInjected(logFile);
    return { point, isHit, violations: await judge(spool, point, planted, [run]) };
  });
}

/** Two deaths: of `operation` at `first`, and of whoever recovers from that at `second`. */
export interface TwoKills {
  readonly operation: Operation;
  readonly first: Fault;
  readonly second: Fault;
}

/** The deaths of a recoverer after `operation` died at `first`. */
export async function secondKills(operation: Operation, first: Fault): Promise<readonly TwoKills[]> {
  return inTemp(async (directory) => {
    const spool = join(directory, 'spool');
    const logFile = join(directory, 'calls');
    await traced({
      ...commandOf(operation, spool, prepare(operation, spool)),
      trace: [first.name],
      logFile,
      fault: first,
    });
    await traced({ ...program('drain.mjs', [spool]), trace: FATAL_CALLS, logFile });
    return points(operation, callsIn(logFile), ['SIGKILL'], [false]).map(({ fault }) => ({
      operation,
      first,
      second: fault,
    }));
  });
}

export async function tryTwoKills({ operation, first, second }: TwoKills): Promise<Verdict> {
  return inTemp(async (directory) => {
    const spool = join(directory, 'spool');
    const planted = prepare(operation, spool);
    const logFile = join(directory, 'calls');
    const victim = await traced({
      ...commandOf(operation, spool, planted),
      trace: [first.name],
      logFile,
      fault: first,
    });
    const recoverer = await traced({ ...program('drain.mjs', [spool]), trace: [second.name], logFile, fault: second });
    const isHit = victim.signal === 'SIGKILL' && recoverer.signal === 'SIGKILL';
    const point = { operation, fault: second };
    return { point, isHit, violations: await judge(spool, point, planted, [victim, recoverer]) };
  });
}

async function judge(
  spool: string,
  point: Point,
  planted: readonly Planted[],
  attacked: readonly Traced[],
): Promise<readonly string[]> {
  if (point.operation.isGoneOnWith === true) {
    const { stdout, stderr } = await untraced(commandOf(point.operation, spool, planted));
    if (!stdout.endsWith('done\n') || stdout.includes('left ')) return [`nobody can go on with it: ${stdout}${stderr}`];
  }
  const before = takeSnapshot(spool);
  const drained = await untraced(program('drain.mjs', [spool]));
  return violations({ ...point, spool, planted, attacked, drained, before });
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

function commandOf(
  { program: file, input, inputFrom }: Operation,
  spool: string,
  planted: readonly Planted[],
): Command {
  return program(file, [spool, JSON.stringify(inputFrom?.(planted) ?? input ?? {})]);
}

function program(file: string, args: readonly string[]): Command {
  return { program: fileURLToPath(new URL(file, import.meta.url)), args };
}

/** For people: which fault, where. */
export function describe({ operation, fault }: Point): string {
  const { name, nth, effect, isForGood } = fault;
  return `${operation.name}: ${effect} at ${name} ${nth}${isForGood ? ' and ever after' : ''}`;
}

async function inTemp<T>(act: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'fsq-fault-'));
  try {
    return await act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Every `stride`th of `all`, beginning with the one that today's date names: over the days each has its turn. */
export function sample<T>(
  all: readonly T[],
  stride: number,
  day: number = Math.floor(Date.now() / 86_400_000),
): readonly T[] {
  return all.filter((_, i) => i % stride === day % stride);
}

/** Runs `act` for each of `items`, a few at a time: most of a try is spent starting processes. */
export async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>, atOnce = 3): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await act(item);
    }),
  );
}
