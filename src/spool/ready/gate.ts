/**
 * Which ready jobs are held back: jobs of paused queues, of queues and tasks that run as many as they may, and of tasks that are
 * left to other workers. It serves a process that gives out names. A job that was claimed is checked once more (admission.ts), so
 * what is read here may be late.
 */
import { hasRules, type LimitRules, type QueueLimits, windowOf } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { LeftToOthers } from './elsewhere.ts';
import type { Lane } from './lanes.ts';
import { parseJobFileName } from '../layout.ts';
import { freeSlots, type LimitOwner } from './rate-slots.ts';
import { type JobKind, KindsOfJobs } from '../job-file/read.ts';
import { heldSpots } from '../locate.ts';

/** What was counted is good for this long, ms. */
const LOOK_EVERY_MS = 3;
/** A name that was given out counts as long as it lies in pending/, but not longer than this, ms: then it is given out again. */
const GIVEN_FOR_MS = 20;
/** How soon a limit on what runs at one time is looked at again, ms: no event tells that it has room. */
const LOOK_AGAIN_MS = 25;
/** How late a step of the wall clock may be noticed, ms: timers count monotonic time. */
const LONGEST_WAIT_MS = 1_000;

/** What a ready job's file says of its limits: the limit key is '' without one, and null where its task has no limit for each key. */
export type LimitedKind = JobKind;

/** How many more jobs of a queue or a task may start. */
interface Room {
  left: number;
  /** When to look again if there is none, ms from the look. */
  readonly againMs: number;
}

export class Gate {
  readonly #context: SpoolContext;
  readonly #kinds: KindsOfJobs;
  #rules: LimitRules;
  #paused: ReadonlySet<string> = new Set();
  #leftToOthers = new LeftToOthers();
  /** The room that the limits leave, as of the last look, by kind and name. */
  readonly #rooms = new Map<string, Room>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Names of limited queues and tasks that were given out a moment ago. */
  readonly #given = new Map<
    string,
    { readonly queue: string; readonly kind: LimitedKind | null; readonly atMs: number }
  >();

  constructor(context: SpoolContext, rules: LimitRules) {
    this.#context = context;
    this.#kinds = new KindsOfJobs(context);
    this.#rules = rules;
  }

  pause(queues: ReadonlySet<string>): void {
    this.#paused = queues;
  }

  /** These tasks are left to other workers. */
  leave(tasks: LeftToOthers): void {
    this.#leftToOthers = tasks;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#rules = { ...this.#rules, tasks };
    this.#rooms.clear();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** Counts anew what runs, if anything is limited. */
  look(): void {
    if (!hasRules(this.#rules) || performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    const running = [...heldSpots(this.#context)].filter(({ name }) => name.attempt > 0);
    this.#rooms.clear();
    for (const [name, limits] of this.#rules.queues) {
      const count = (): number => running.filter((job) => job.name.queue === name).length;
      this.#rooms.set(`queue ${name}`, this.#roomOf(limits, { kind: 'queue', name }, count));
    }
    for (const [name, limits] of this.#rules.tasks) {
      const count = (): number => running.filter((job) => this.#kinds.of(job.id, job.path)?.task === name).length;
      this.#rooms.set(`task ${name}`, this.#roomOf(limits, { kind: 'task', name }, count));
    }
    if (this.hasKeys) for (const job of running) this.#countKey(this.#limited(this.#kinds.of(job.id, job.path)));
    this.#lookedAt = performance.now();
    this.#countGiven();
  }

  /** All that is ready is about to be asked for: the tasks of other jobs need not be remembered. */
  startListing(): void {
    if (this.#hasTasks) this.#kinds.turn();
  }

  /** False: nothing is held back, and no name has to be asked about. */
  get isInUse(): boolean {
    return hasRules(this.#rules) || this.#paused.size + this.#leftToOthers.size > 0;
  }

  /** Whether any task has a limit for each key: then jobs are read before one can tell whose turn it is. */
  get hasKeys(): boolean {
    for (const { perKey } of this.#rules.tasks.values()) if (perKey !== undefined) return true;
    return false;
  }

  isOpen({ queue, task, limitKey = null }: Pick<Lane, 'queue' | 'task'> & Partial<Pick<Lane, 'limitKey'>>): boolean {
    if (this.#paused.has(queue) || this.#isFull('queue', queue)) return false;
    if (task !== null && (this.#isFull('task', task) || this.#isKeyFull(task, limitKey))) return false;
    return task === null || !this.#leftToOthers.has(task, queue);
  }

  /** The kind of a ready job, if it may be held back. It costs reading the job where any task may be. */
  limitedKind(fileName: string): LimitedKind | null {
    const id = this.#hasTasks ? parseJobFileName(fileName)?.id : undefined;
    return id === undefined ? null : this.#limited(this.#kinds.of(id, `${this.#context.layout.pending}/${fileName}`));
  }

  /** The same, as far as the job has been read already; else undefined. */
  knownKind(id: string): LimitedKind | null | undefined {
    if (!this.#hasTasks) return null;
    const kind = this.#kinds.known(id);
    return kind === undefined ? undefined : this.#limited(kind);
  }

  /** Whether this ready job is left to other workers. */
  isLeft(queue: string, fileName: string): boolean {
    const kind = this.#leftToOthers.size === 0 ? null : this.limitedKind(fileName);
    return kind !== null && this.#leftToOthers.has(kind.task, queue);
  }

  /** This name was given out. */
  count(name: string, queue: string, kind: LimitedKind | null): void {
    if (this.#take(queue, kind)) this.#given.set(name, { queue, kind, atMs: performance.now() });
  }

  /** When something that is held back may be let through, ms from now; null when nothing is, or when this process will be told. */
  againInMs(): number | null {
    const full = [...this.#rooms.values()].filter(({ left }) => left === 0).map(({ againMs }) => againMs);
    if (full.length === 0) return null;
    const sinceMs = performance.now() - this.#lookedAt;
    return Math.max(1, Math.min(...full) - sinceMs);
  }

  /** Whether any task has limits, or is left to others. */
  get #hasTasks(): boolean {
    return this.#rules.tasks.size > 0 || this.#leftToOthers.size > 0;
  }

  #limited(kind: JobKind | null): LimitedKind | null {
    if (kind === null) return null;
    const limits = this.#rules.tasks.get(kind.task);
    if (limits === undefined && !this.#leftToOthers.hasTask(kind.task)) return null;
    return { task: kind.task, limitKey: limits?.perKey === undefined ? null : (kind.limitKey ?? '') };
  }

  #isKeyFull(task: string, limitKey: string | null): boolean {
    return limitKey !== null && this.#isFull('key', `${task}\n${limitKey}`);
  }

  /** Only keys of which jobs run or were given out have a room. @returns whether it has a limit key */
  #countKey(kind: LimitedKind | null): boolean {
    if (kind === null || kind.limitKey === null) return false;
    const key = `key ${kind.task}\n${kind.limitKey}`;
    const most = this.#rules.tasks.get(kind.task)?.perKey ?? Number.POSITIVE_INFINITY;
    this.#rooms.set(key, { left: Math.max(0, (this.#rooms.get(key)?.left ?? most) - 1), againMs: LOOK_AGAIN_MS });
    return true;
  }

  #isFull(kind: LimitOwner['kind'] | 'key', name: string): boolean {
    return this.#rooms.size > 0 && this.#rooms.get(`${kind} ${name}`)?.left === 0;
  }

  /** A job whose name was given out will be claimed soon: it takes up room already, until it leaves pending/ or its time is over. */
  #countGiven(): void {
    const { files, layout } = this.#context;
    for (const [name, { queue, kind, atMs }] of this.#given) {
      if (this.#lookedAt - atMs < GIVEN_FOR_MS && files.exists(`${layout.pending}/${name}`)) this.#take(queue, kind);
      else this.#given.delete(name);
    }
  }

  /** @returns whether anything limits it */
  #take(queue: string, kind: LimitedKind | null): boolean {
    const rooms = [this.#rooms.get(`queue ${queue}`), this.#rooms.get(`task ${kind?.task ?? ''}`)];
    for (const room of rooms) if (room !== undefined && room.left > 0) room.left--;
    return this.#countKey(kind) || rooms.some((room) => room !== undefined);
  }

  #roomOf({ concurrency, rate }: QueueLimits, owner: LimitOwner, countRunning: () => number): Room {
    const nowMs = this.#context.nowMs();
    const none = Number.POSITIVE_INFINITY;
    const free = concurrency === null ? none : Math.max(0, concurrency - countRunning());
    const slots = rate === null ? none : freeSlots(this.#context, { owner, rate });
    const nextWindowMs = rate === null || slots > 0 ? LOOK_AGAIN_MS : windowOf(rate, nowMs).endsAtMs - nowMs;
    return { left: Math.min(free, slots), againMs: Math.min(LONGEST_WAIT_MS, nextWindowMs) };
  }
}
