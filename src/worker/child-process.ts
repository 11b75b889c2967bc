/** One child as its supervisor sees it: started, told, ended. */
import type { LimitedRun } from '../app/execute.ts';
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machineMs } from '../broker/common/machine-ms.ts';
import { reasonOf } from '../job/values/realm.ts';
import type { QueueLimits } from '../job/queue-limits.ts';
import type { Launch } from './launch.ts';
import type { Relay } from './relay.ts';
import { type FromChild, limitsOf, parseFromChild, toArguments, type ToChild } from './messages.ts';
import { Overtime } from './time-limit.ts';
import { howOf } from './log.ts';
import { StartWatch } from './restart.ts';

/** How long a child may take to end after 'stop' before it is killed, ms: enough for its exit handlers. */
const STOP_GRACE_MS = 500;

/** How long a child that was told to drain may take to become ready, ms: enough to load its modules and hear of it. */
const START_GRACE_MS = 5_000;

/** How long after a child's exit its messages are waited for, ms: they are there at once, unless a fork(2) of it holds the channel open. */
const LAST_WORDS_MS = 1_000;

/** Threads of a child that waits for the disk, unless UV_THREADPOOL_SIZE says another number. */
const THREADS = '16';

type ChildState = 'starting' | 'working' | 'leaving' | 'parted' | 'stopping' | 'ended';

/** Why a child ended. */
export type DeathCause =
  /** The process could not be started, for EAGAIN say. */
  | { readonly kind: 'unborn'; readonly error: unknown }
  /** It was killed in this run, which had reached its time limit. */
  | { readonly kind: 'over-limit'; readonly run: LimitedRun }
  /** It was killed because the job that it ran was revoked so. */
  | { readonly kind: 'revoked' }
  /** It was killed because what it ran may have been another's. */
  | { readonly kind: 'fenced' }
  /** It said, as it ended, that code of this job was the reason. */
  | { readonly kind: 'blamed'; readonly id: string }
  /** It was told to end at once. */
  | { readonly kind: 'stopped' }
  /** It was told to leave, had settled its jobs, and exited with 0: the processes that its jobs have started may live on. */
  | { readonly kind: 'parted' }
  | { readonly kind: 'crashed' };

export interface ChildEvents {
  /** The child has not imported its modules in time. */
  onOverdue(child: WorkerChild): void;
  /** The child's run has reached its time limit. */
  onOverLimit(child: WorkerChild, run: LimitedRun): void;
  onMessage(child: WorkerChild, message: FromChild): void;
  /** A process that the child has started, or Node.js, has printed this. */
  onPrinted(child: WorkerChild, stream: 'stdout' | 'stderr', chunk: Buffer): void;
  onExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void;
}

/**
 * starting ──ready──► working            Each state but the last can be left for `stopping` and for `ended`.
 *     │                  │
 *     └──────leave───────┴──► leaving ──bye──► parted
 *
 * leaving: the child takes no further job. One that is not ready may never hear of that, and is killed after START_GRACE_MS.
 * parted: the child has said that it ends in order.
 * stopping: the child was told to end at once, and is killed with all it started after STOP_GRACE_MS.
 */
export class WorkerChild {
  readonly start: StartWatch;
  readonly overtime: Overtime;
  readonly #events: ChildEvents;
  /** Null where none could be started. */
  readonly #process: { readonly child: ChildProcess; readonly lastWords: () => string } | null;
  #state: ChildState = 'starting';
  /** Ends the state when it lasts too long. */
  #timer: NodeJS.Timeout | undefined;
  #introduced: {
    readonly owner: string;
    readonly limits: ReadonlyMap<string, QueueLimits>;
    readonly atMs: number;
  } | null = null;
  #deathCause: DeathCause | null = null;

  constructor(launch: Launch, relay: Relay, events: ChildEvents) {
    this.#events = events;
    this.start = new StartWatch(launch.startTimeoutMs, () => events.onOverdue(this));
    this.overtime = new Overtime({
      pardon: (id) => this.send({ type: 'pardon', id }),
      onOver: (run) => events.onOverLimit(this, run),
    });
    try {
      const child = forkChild(launch, relay);
      this.#process = {
        child,
        lastWords: relay.attach(child.stdio, (...printed) => events.onPrinted(this, ...printed)),
      };
      this.#listen(child);
    } catch (error) {
      // Only some errors come as an event: ENOMEM, E2BIG and others are thrown.
      this.#process = null;
      setImmediate(() => this.#neverBegan(error));
    }
  }

  get state(): ChildState {
    return this.#state;
  }

  /** Why it ended, or why it was killed and is about to end; null while it lives. */
  get deathCause(): DeathCause | null {
    return this.#deathCause;
  }

  /** Its name as an owner; null before it is ready. */
  get owner(): string | null {
    return this.#introduced?.owner ?? null;
  }

  /** Of the tasks that the child knows: children that started at different times may have loaded different modules. */
  get limits(): ReadonlyMap<string, QueueLimits> {
    return this.#introduced?.limits ?? new Map();
  }

  /** How long it has been ready, ms. */
  get workedMs(): number {
    return this.#introduced === null ? 0 : performance.now() - this.#introduced.atMs;
  }

  get pid(): number | null {
    return this.#process?.child.pid ?? null;
  }

  #listen(child: ChildProcess): void {
    child.on('message', (raw) => {
      const message = this.#state === 'ended' ? null : parseFromChild(raw);
      if (message === null) return;
      this.#note(message);
      this.#events.onMessage(this, message);
    });
    child.on('error', (error) => {
      // Where there is a process, a message to it has failed, because it has just died: 'exit' tells that. Without one no 'exit' comes.
      if (child.pid === undefined) this.#neverBegan(error);
    });
    // The child has ended when its last message is read: the messages tell which job it ran, and whether it was ready at all.
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

  /** Keeps the part of a message that concerns this child alone. */
  #note(message: FromChild): void {
    switch (message.type) {
      case 'importing':
        return this.start.importing(message.module);
      case 'imported':
      case 'unloadable':
        return this.start.over();
      case 'ready':
        this.#introduced = { owner: message.owner, limits: limitsOf(message.tasks), atMs: performance.now() };
        this.#process?.lastWords(); // Its output so far is not needed any more.
        if (this.#state === 'starting') this.#become('working');
        return;
      case 'running':
        return this.overtime.begin(message, Math.max(0, machineMs() - message.begunAtMs));
      case 'ended':
        return this.overtime.ended(message.id, message.isLate);
      case 'blamed':
        // A task that ends its process because it was told to stop is not to blame.
        if (this.#state !== 'stopping') this.#deathCause ??= { kind: 'blamed', id: message.id };
        return;
      case 'bye':
        if (this.#state === 'leaving') this.#become('parted');
    }
  }

  /** The only place where its state changes. */
  #become(state: ChildState): void {
    clearTimeout(this.#timer);
    this.#state = state;
    if (state === 'leaving') {
      // A child that is not ready holds no job, and may never listen: where threads run out, Node can hang in its own start.
      this.#timer = setTimeout(() => this.owner === null && this.killGroup(), START_GRACE_MS).unref();
    } else if (state === 'stopping') {
      this.#timer = setTimeout(() => this.killGroup(), STOP_GRACE_MS);
    } else if (state === 'ended') {
      this.start.end();
      this.overtime.close();
    }
  }

  #neverBegan(error: unknown): void {
    this.#deathCause = { kind: 'unborn', error };
    this.#end(null, null);
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#state === 'ended') return;
    this.#deathCause = this.#causeOf(code, signal);
    this.#become('ended');
    this.#events.onExit(this, code, signal);
  }

  #causeOf(code: number | null, signal: NodeJS.Signals | null): DeathCause {
    const run = this.overtime.verdict(signal === 'SIGKILL');
    if (run !== null) return { kind: 'over-limit', run };
    if (this.#deathCause !== null) return this.#deathCause;
    if (this.#state === 'stopping') return { kind: 'stopped' };
    return { kind: this.#state === 'parted' && code === 0 ? 'parted' : 'crashed' };
  }

  send(message: ToChild): void {
    const child = this.#process?.child;
    if (child?.connected === true) child.send(message, () => undefined);
  }

  /** The child takes no further job, and ends by itself. */
  leave(): void {
    if (this.#state === 'starting' || this.#state === 'working') this.#become('leaving');
  }

  /** Has it finish the job at hand and end. */
  drain(): void {
    this.leave();
    this.send({ type: 'drain' });
  }

  /** Ends the child whatever it does: by a message first, and by a kill with all it started if that is not enough. */
  stop(): void {
    if (this.#state === 'ended') return;
    this.send({ type: 'stop' });
    this.#become('stopping');
  }

  /** How it ended, for people. */
  endText(code: number | null, signal: NodeJS.Signals | null): string {
    return this.#deathCause?.kind === 'unborn'
      ? `no child can be started (${reasonOf(this.#deathCause.error)})`
      : `child ${this.pid} ${howOf(code, signal)}`;
  }

  /** What it printed to stderr last, if it was never ready; '' where that is a terminal. */
  lastWords(): string {
    return (this.#process?.lastWords() ?? '').trim();
  }

  /** Kills the process, and all processes that it has started and that are still in its group. */
  killGroup(): void {
    if (this.pid === null) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // ESRCH: no process of the group is left.
    }
  }

  /**
   * Kills the group because the job that the child ran a moment ago is revoked with `terminate`. If the child has begun another job
   * meanwhile, recovery finds that one in its directory and makes it ready again, uncounted. The child is not stopped (SIGSTOP) for a
   * closer look first: if this process died then, nobody would let the child go on.
   */
  killForJob(): void {
    this.#deathCause = { kind: 'revoked' };
    this.killGroup();
  }

  /** Kills the group because its jobs may be another's: what is left of them goes back uncounted. */
  fence(): void {
    this.#deathCause = { kind: 'fenced' };
    this.killGroup();
  }
}

/** @throws the system error, where it does not come as an event */
function forkChild({ options, imports, env }: Launch, relay: Relay): ChildProcess {
  const path = fileURLToPath(
    new URL(`../worker/child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
  );
  const execArgv = [
    ...process.execArgv.filter((option) => !option.startsWith('--inspect')),
    ...imports.flatMap((module) => ['--import', module]),
  ];
  // --inspect is not passed on: the supervisor has the debugger's port.
  // Detached: a process group of its own, so that the terminal's Ctrl-C does not reach it and its own children can be killed with it.
  return fork(path, toArguments({ ...options, own: relay.own }), {
    execArgv,
    // fsyncs that wait together share one commit of the journal; libuv's four threads are too few for that.
    env: 'fsync' in options.broker && options.broker.fsync ? { UV_THREADPOOL_SIZE: THREADS, ...env } : env,
    detached: true,
    stdio: [...relay.stdio],
  });
}
