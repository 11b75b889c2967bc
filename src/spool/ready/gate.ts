/**
 * Which ready jobs are held back: jobs of paused queues, of queues and tasks that run as many as they may, and of tasks that are
 * left to other workers. It serves a process that gives out names. A job that was claimed is checked once more (admission.ts), so
 * what is read here may be late.
 */
import { type LimitRules, type QueueLimits, windowOf } from '../../job/queue-limits.ts';
import type { SpoolContext } from '../disk/context.ts';
import { LeftToOthers } from './elsewhere.ts';
import type { Lane } from './lanes.ts';
import { parseJobFileName } from '../layout.ts';
import { freeSlots, type LimitOwner } from './rate-slots.ts';
import { TasksOfJobs } from '../job-file/read.ts';
import { type HeldSpot, heldSpots } from '../locate.ts';

/** What was counted is good for this long, ms. */
const LOOK_EVERY_MS = 3;
/** A name that was given out counts as long as it lies in pending/, but not longer than this, ms: then it is given out again. */
const GIVEN_FOR_MS = 20;
/** How soon a limit on what runs at one time may have room again, ms, where nobody tells. */
const LOOK_AGAIN_MS = 25;
/** How late a step of the wall clock may be noticed, ms: timers count monotonic time. */
const LONGEST_WAIT_MS = 1_000;

export class Gate {
  readonly #context: SpoolContext;
  readonly #tasks: TasksOfJobs;
  readonly #rooms: Rooms;
  #paused: ReadonlySet<string> = new Set();
  #leftToOthers = new LeftToOthers();

  constructor(context: SpoolContext, rules: LimitRules) {
    this.#context = context;
    this.#tasks = new TasksOfJobs(context);
    this.#rooms = new Rooms(context, this.#tasks, rules);
  }

  pause(queues: ReadonlySet<string>): void {
    this.#paused = queues;
  }

  /** These tasks are left to other workers. */
  leave(tasks: LeftToOthers): void {
    this.#leftToOthers = tasks;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#rooms.limitTasks(tasks);
  }

  /** Counts anew what runs, if anything is limited. */
  look(): void {
    this.#rooms.look();
  }

  /** All that is ready is about to be asked for: the tasks of other jobs need not be remembered. */
  startListing(): void {
    if (this.#hasTasks) this.#tasks.turn();
  }

  /** False: nothing is held back, and no name has to be asked about. */
  get isInUse(): boolean {
    return this.#paused.size + this.#rooms.ruleCount + this.#leftToOthers.size > 0;
  }

  isOpen({ queue, task }: Pick<Lane, 'queue' | 'task'>): boolean {
    if (this.#paused.has(queue) || this.#rooms.isFull(queue, task)) return false;
    return task === null || !this.#leftToOthers.has(task, queue);
  }

  /** The task of a ready job, if it may be held back. It costs reading the job where any task may be. */
  limitedTask(fileName: string): string | null {
    const id = this.#hasTasks ? parseJobFileName(fileName)?.id : undefined;
    return id === undefined
      ? null
      : this.#ifHeldBack(this.#tasks.of(id, `${this.#context.layout.pending}/${fileName}`));
  }

  /** The same, as far as the job has been read already. */
  knownTask(id: string): string | null {
    return this.#hasTasks ? this.#ifHeldBack(this.#tasks.known(id)) : null;
  }

  /** Whether this ready job is left to other workers. */
  isLeft(queue: string, fileName: string): boolean {
    const task = this.#leftToOthers.size === 0 ? null : this.limitedTask(fileName);
    return task !== null && this.#leftToOthers.has(task, queue);
  }

  /** This name was given out. */
  count(name: string, queue: string, task: string | null): void {
    this.#rooms.count(name, queue, task);
  }

  /** When something that is held back may be let through, ms from now; null when nothing is, or when this process will be told. */
  againInMs(): number | null {
    return this.#rooms.againInMs();
  }

  /** Whether any task has limits, or is left to others. */
  get #hasTasks(): boolean {
    return this.#rooms.hasTasks || this.#leftToOthers.size > 0;
  }

  #ifHeldBack(task: string | null): string | null {
    return task !== null && (this.#rooms.limitsTask(task) || this.#leftToOthers.hasTask(task)) ? task : null;
  }
}

/** How many more jobs of a queue or a task may start. */
interface Room {
  left: number;
  /** When to look again if there is none, ms from the look. */
  readonly againMs: number;
}

/** The room that the limits leave, as of the last look. */
class Rooms {
  readonly #context: SpoolContext;
  readonly #tasks: TasksOfJobs;
  #rules: LimitRules;
  readonly #ofQueue = new Map<string, Room>();
  readonly #ofTask = new Map<string, Room>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Names of limited queues and tasks that were given out a moment ago. */
  readonly #given = new Map<string, { readonly queue: string; readonly task: string | null; readonly atMs: number }>();

  constructor(context: SpoolContext, tasks: TasksOfJobs, rules: LimitRules) {
    this.#context = context;
    this.#tasks = tasks;
    this.#rules = rules;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#rules = { ...this.#rules, tasks };
    this.#ofQueue.clear();
    this.#ofTask.clear();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  get ruleCount(): number {
    return this.#rules.queues.size + this.#rules.tasks.size;
  }

  get hasTasks(): boolean {
    return this.#rules.tasks.size > 0;
  }

  limitsTask(task: string): boolean {
    return this.#rules.tasks.has(task);
  }

  isFull(queue: string, task: string | null): boolean {
    return this.#ofQueue.get(queue)?.left === 0 || (task !== null && this.#ofTask.get(task)?.left === 0);
  }

  look(): void {
    if (this.ruleCount === 0 || performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    const running = [...heldSpots(this.#context)];
    this.#ofQueue.clear();
    this.#ofTask.clear();
    for (const [name, limits] of this.#rules.queues) {
      const isOne = (job: HeldSpot): boolean => job.name.queue === name;
      this.#ofQueue.set(name, this.#roomOf(limits, { kind: 'queue', name }, running, isOne));
    }
    for (const [name, limits] of this.#rules.tasks) {
      const isOne = (job: HeldSpot): boolean => this.#tasks.of(job.name.id, job.path) === name;
      this.#ofTask.set(name, this.#roomOf(limits, { kind: 'task', name }, running, isOne));
    }
    this.#lookedAt = performance.now();
    this.#countGiven();
  }

  count(name: string, queue: string, task: string | null): void {
    if (this.#take(queue, task)) this.#given.set(name, { queue, task, atMs: performance.now() });
  }

  againInMs(): number | null {
    const full = [...this.#ofQueue.values(), ...this.#ofTask.values()].filter(({ left }) => left === 0);
    if (full.length === 0) return null;
    const sinceMs = performance.now() - this.#lookedAt;
    return Math.max(1, Math.min(...full.map(({ againMs }) => againMs)) - sinceMs);
  }

  /** A job whose name was given out will be claimed soon: it takes up room already, until it leaves pending/ or its time is over. */
  #countGiven(): void {
    const { files, layout } = this.#context;
    for (const [name, { queue, task, atMs }] of this.#given) {
      if (this.#lookedAt - atMs < GIVEN_FOR_MS && files.exists(`${layout.pending}/${name}`)) this.#take(queue, task);
      else this.#given.delete(name);
    }
  }

  /** @returns whether anything limits it */
  #take(queue: string, task: string | null): boolean {
    const rooms = [this.#ofQueue.get(queue), task === null ? undefined : this.#ofTask.get(task)];
    for (const room of rooms) if (room !== undefined && room.left > 0) room.left--;
    return rooms.some((room) => room !== undefined);
  }

  #roomOf(
    { concurrency, rate }: QueueLimits,
    owner: LimitOwner,
    running: readonly HeldSpot[],
    isOne: (job: HeldSpot) => boolean,
  ): Room {
    const nowMs = this.#context.nowMs();
    const none = Number.POSITIVE_INFINITY;
    const free = concurrency === null ? none : Math.max(0, concurrency - running.filter(isOne).length);
    const slots = rate === null ? none : freeSlots(this.#context, { owner, rate });
    const nextWindowMs = rate === null || slots > 0 ? LOOK_AGAIN_MS : windowOf(rate, nowMs).endsAtMs - nowMs;
    return { left: Math.min(free, slots), againMs: Math.min(LONGEST_WAIT_MS, nextWindowMs) };
  }
}
