/**
 * The tasks registered in this process. They hang on globalThis, so that a worker sees them even when the task file's copy
 * of fsq is not the worker's own (a global and a local install). Only code puts something in: nothing read from a file does.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../job/errors.ts';
import type { JobOptions } from '../job/job.ts';
import type { Redact } from '../job/redaction.ts';
import type { RunLimits } from '../job/run-limits.ts';
import type { CurrentJob } from './current-job.ts';

/** A registered task. */
export interface RegisteredTask {
  readonly name: string;
  readonly fn: (...args: readonly unknown[]) => unknown;
  /** Absolute path of the file that registered it, with the line; for people. */
  readonly definedAt: string;
  /** What it says of its jobs: stands in for what a job's file leaves out, as those of other languages do. */
  readonly options?: JobOptions;
  /** Over all workers of the spool; absent: none. */
  readonly limits?: RunLimits;
  /** Whether a run that threw this is tried again; absent: always. */
  readonly retryOn?: (thrown: unknown) => unknown;
  /** Of the app that registered it, for what it throws: stronger than that of the configuration. */
  readonly redact?: Redact | undefined;
}

export interface Registry {
  readonly tasks: Map<string, RegisteredTask>;
  readonly current: AsyncLocalStorage<CurrentJob>;
  /** The task module that is being imported by a worker's child, or null: `delay()` is refused then. */
  loading: string | null;
}

const KEY = Symbol.for('fsq.registry.1');

export function registry(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= { tasks: new Map(), current: new AsyncLocalStorage(), loading: null };
  return holder[KEY];
}

/** @throws UsageError naming both places when another file has registered the name */
export function register(task: RegisteredTask): void {
  const { tasks } = registry();
  const before = tasks.get(task.name);
  if (before !== undefined && fileOf(before.definedAt) !== fileOf(task.definedAt)) {
    throw new UsageError(
      `Task ${task.name} is registered twice: at ${before.definedAt} and at ${task.definedAt}. Rename one of them.`,
      'FSQ_DUPLICATE_TASK',
    );
  }
  if (before !== undefined && before.definedAt !== task.definedAt && registry().loading !== null) {
    throw new UsageError(
      `Task ${task.name} is registered twice in one file: at ${before.definedAt} and at ${task.definedAt}. Rename one of them.`,
      'FSQ_DUPLICATE_TASK',
    );
  }
  tasks.set(task.name, task);
}

/**
 * Where this copy of fsq lies, as it runs and as its source maps tell it: a loader such as tsx turns frames in dist/ into
 * frames in src/. Frames from here are fsq itself, not its caller.
 */
const OWN_FOLDERS = [new URL('..', import.meta.url), new URL('../../src/', import.meta.url)].flatMap((folder) => [
  folder.href,
  fileURLToPath(folder),
]);

/** `file:line` of the code outside of fsq that led here, or 'an unknown place'. */
export function callSite(): string {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  Error.captureStackTrace(holder, callSite);
  Error.stackTraceLimit = limit;
  for (const line of (holder.stack ?? '').split('\n').slice(1)) {
    const match = /\(?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?):(\d+):\d+\)?$/.exec(line);
    const place = match?.[1];
    if (match === null || place === undefined || isOwn(place)) continue;
    const path = place.replace(/[?#].*$/, '');
    return `${path.startsWith('file://') ? fileURLToPath(path) : path}:${match[2]}`;
  }
  return 'an unknown place';
}

function isOwn(place: string): boolean {
  return OWN_FOLDERS.some((folder) => place.startsWith(folder));
}

function fileOf(definedAt: string): string {
  return definedAt.replace(/:\d+$/, '');
}
