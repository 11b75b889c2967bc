/** One child as its supervisor sees it: started, told, ended. */
import type { LimitedRun } from '../app/execute.ts';
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../job/realm.ts';
import type { RunLimits } from '../job/run-limits.ts';
import { nextAppetite } from './appetite.ts';
import type { Launch } from './launch.ts';
import type { Relay } from './relay.ts';
import { type FromChild, parseFromChild, type ToChild } from './messages.ts';
import { Overtime } from './overtime.ts';
import { howOf } from './run-report.ts';
import { StartWatch } from './start-watch.ts';

/** How long a child may take to end after 'stop' before it is killed, ms: enough for its exit handlers. */
const STOP_GRACE_MS = 500;

/** How long a child that was told to drain may take to become ready, ms: enough to load its modules and hear of it. */
const START_GRACE_MS = 5_000;

/** How long after its exit what a child has said is waited for, ms: all of it is there, unless a copy of it (fork(2)) still lives. */
const LAST_WORDS_MS = 1_000;

/** Threads of a child that waits for the disk, unless UV_THREADPOOL_SIZE says another number. */
const THREADS = '16';

export interface ChildEvents {
  /** It has not imported its modules in time. */
  onOverdue(child: WorkerChild): void;
  /** This run of it has had its time: kill it. */
  onOverLimit(child: WorkerChild, run: LimitedRun): void;
  onMessage(child: WorkerChild, message: FromChild): void;
  onExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void;
}

export class WorkerChild {
  /** Its name as an owner, once it is ready. */
  owner: string | null = null;
  /** Of the tasks that it knows: children that started at different times may have loaded different ones. */
  limits: ReadonlyMap<string, RunLimits> = new Map();
  /** True from when it was told to end. */
  isEnding = false;
  /** True from when it said that it ends, because it has worked enough. */
  isRetiring = false;
  /** True from when another was started in its place. */
  isReplaced = false;
  /** True from when it was killed because of the job that it ran: whatever else it held has not crashed. */
  isKilledForJob = false;
  /** True once it has said that it ends in order: it holds no job, and what it has started may live on. */
  hasSaidBye = false;
  /** Why there never was a process, such as EAGAIN; null when there was one. */
  startFailure: unknown = null;
  readonly start: StartWatch;
  readonly overtime: Overtime;
  /** True while it has asked for names and has none left. */
  isIdle = false;
  #appetite = 1;
  /** Null when what it was given last has been accounted for. */
  #fedAt: number | null = performance.now();
  readonly #events: ChildEvents;
  /** Null where none could be had. */
  readonly #child: ChildProcess | null;
  #tail: () => string = () => '';
  #killTimer: NodeJS.Timeout | null = null;
  #hasEnded = false;

  constructor(launch: Launch, relay: Relay, events: ChildEvents) {
    this.#events = events;
    this.start = new StartWatch(launch.startTimeoutMs, () => events.onOverdue(this));
    this.overtime = new Overtime({
      pardon: () => this.send({ type: 'pardon' }),
      onOver: (run) => events.onOverLimit(this, run),
    });
    try {
      this.#child = forkChild(launch, relay);
    } catch (error) {
      // Only some errors come as an event: ENOMEM, E2BIG and others are thrown.
      this.#child = null;
      this.startFailure = error;
      setImmediate(() => this.#end(null, null));
      return;
    }
    this.#tail = relay.attach(this.#child.stdout, this.#child.stderr);
    this.#listen(this.#child);
  }

  #listen(child: ChildProcess): void {
    child.on('message', (raw) => {
      const message = this.#hasEnded ? null : parseFromChild(raw);
      if (message !== null) this.#events.onMessage(this, message);
    });
    child.on('error', (error) => {
      // With a process it was a message to a child that has just died: its exit is reported below. Without one no exit comes.
      if (child.pid !== undefined) return;
      this.startFailure = error;
      this.#end(null, null);
    });
    // Its end counts once all it has said is heard: what it ran, and that it was ready at all.
    let isSilent = false;
    let end: (() => void) | null = null;
    child.on('disconnect', () => {
      isSilent = true;
      end?.();
    });
    child.on('exit', (code, signal) => {
      end = () => this.#end(code, signal);
      if (isSilent) end();
      else setTimeout(end, LAST_WORDS_MS).unref();
    });
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.start.end();
    this.overtime.close();
    if (this.#killTimer !== null) clearTimeout(this.#killTimer);
    this.#events.onExit(this, code, signal);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** It has dealt with what it was given, or half of it, and wants more. */
  digest(isIdle: boolean): void {
    this.isIdle = isIdle;
    if (this.#fedAt !== null) this.#appetite = nextAppetite(this.#appetite, performance.now() - this.#fedAt);
    this.#fedAt = null;
  }

  /** How many names to give it now. */
  get appetite(): number {
    return this.#appetite;
  }

  feed(names: readonly string[]): void {
    this.#fedAt = performance.now();
    this.isIdle = false;
    this.send({ type: 'names', names });
  }

  send(message: ToChild): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }

  drain(): void {
    this.isEnding = true;
    this.send({ type: 'drain' });
    // Not ready, it holds no job, and it may never listen: where threads run out, Node can hang in its own start.
    this.#killTimer ??= setTimeout(() => this.owner === null && this.killGroup(), START_GRACE_MS);
    this.#killTimer.unref();
  }

  /** Ends it whatever it does: asked first, killed with all it started if it does not end in time. */
  stop(): void {
    this.isEnding = true;
    this.send({ type: 'stop' });
    if (this.#killTimer !== null) clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.killGroup(), STOP_GRACE_MS);
  }

  /** How it ended, for people. */
  endText(code: number | null, signal: NodeJS.Signals | null): string {
    return this.startFailure === null
      ? `child ${this.pid} ${howOf(code, signal)}`
      : `no child can be started (${reasonOf(this.startFailure)})`;
  }

  /** What it printed to stderr last, if it was never ready; '' where that is a terminal. */
  lastWords(): string {
    return this.#tail().trim();
  }

  /** It has begun to work: what it printed in its start is not kept. */
  forgetWords(): void {
    this.#tail();
  }

  /** Kills the process and what it has started and not moved to another group. */
  killGroup(): void {
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // ESRCH: nobody of the group is left.
    }
  }

  /**
   * Kills the group because of a job that it ran a moment ago. If it has ended that job meanwhile, and begun another, that one goes
   * back uncounted: what the dead process held tells. It is not stopped for a closer look: if we died then, nobody would
   * let it go on.
   */
  killForJob(): void {
    this.isKilledForJob = true;
    this.killGroup();
  }
}

/** @throws the system error, where it does not come as an event */
function forkChild({ options, imports, env }: Launch, relay: Relay): ChildProcess {
  const path = fileURLToPath(
    new URL(`../worker/child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
  );
  const execArgv = [
    ...process.execArgv.filter((option) => !option.startsWith('--inspect')),
    ...imports.flatMap((module) => ['--import', module]),
  ];
  // A debugger's port is taken by the supervisor; --inspect is not passed on.
  // Detached: a process group of its own, so that the terminal's Ctrl-C does not reach it and its own children can be killed with it.
  return fork(path, [JSON.stringify(options)], {
    execArgv,
    // fsyncs that wait together share one commit of the journal; libuv's four threads are too few for that.
    env: options.broker.fsync ? { UV_THREADPOOL_SIZE: THREADS, ...env } : env,
    detached: true,
    stdio: ['ignore', ...relay.stdio, 'ipc'],
  });
}
