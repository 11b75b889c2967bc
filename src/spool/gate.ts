/**
 * Which ready jobs are held back: those of paused queues, those of queues and tasks that run as many as they may,
 * and those of tasks that are left to other workers. For who
 * gives out names: a claim is checked for itself (admission.ts), so that what is read here may be late.
 */
import { type LimitRules, type RunLimits, windowOf } from '../job/queue-limits.ts';
import type { SpoolContext } from './context.ts';
import { LeftToOthers } from './elsewhere.ts';
import type { Lane } from './lanes.ts';
import type { JobName } from './layout.ts';
import type { LimitOwner } from './note-names.ts';
import { freeSlots } from './rate-slots.ts';
import { type RunningJob, runningJobs, TasksOfJobs } from './running-jobs.ts';

/** What was counted is good for this long, ms. */
const LOOK_EVERY_MS = 3;
/** A name that was given out counts as long as it lies in pending/, but not longer than this, ms: then it is given out again. */
const GIVEN_FOR_MS = 20;
/** How soon a limit on what runs at one time may have room again, ms, where nobody tells. */
const LOOK_AGAIN_MS = 25;
/** How late a step of the wall clock may be noticed, ms: timers count monotonic time. */
const LONGEST_WAIT_MS = 1_000;

/** How many more may start. */
interface Room {
  left: number;
  /** When to look again if there is none, ms from the look. */
  readonly againMs: number;
}

export class Gate {
  readonly #context: SpoolContext;
  readonly #tasks: TasksOfJobs;
  #rules: LimitRules;
  #paused: ReadonlySet<string> = new Set();
  #leftToOthers = new LeftToOthers();
  readonly #queueRoom = new Map<string, Room>();
  readonly #taskRoom = new Map<string, Room>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Of what is limited: names that were given out a moment ago. */
  readonly #given = new Map<string, { readonly queue: string; readonly task: string | null; readonly atMs: number }>();

  constructor(context: SpoolContext, rules: LimitRules) {
    this.#context = context;
    this.#tasks = new TasksOfJobs(context);
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
    this.#queueRoom.clear();
    this.#taskRoom.clear();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** All that is ready is about to be asked for: of what is not, nothing needs to be remembered. */
  startListing(): void {
    if (this.hasTasks) this.#tasks.turn();
  }

  /** Counts anew what runs, if anything is limited. */
  look(): void {
    const { queues, tasks } = this.#rules;
    if (queues.size + tasks.size === 0 || performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    const running = runningJobs(this.#context);
    this.#queueRoom.clear();
    this.#taskRoom.clear();
    for (const [name, limits] of queues)
      this.#queueRoom.set(
        name,
        this.#roomOf(limits, { kind: 'queue', name }, () => running.filter((job) => job.name.queue === name)),
      );
    for (const [name, limits] of tasks)
      this.#taskRoom.set(
        name,
        this.#roomOf(limits, { kind: 'task', name }, () =>
          running.filter((job) => this.#tasks.of(job.name.id, job.path) === name),
        ),
      );
    this.#lookedAt = performance.now();
    this.#countGiven();
  }

  /** False costs nothing more: no queue is paused and nothing is limited. */
  get isInUse(): boolean {
    return this.#paused.size + this.#rules.queues.size + this.#rules.tasks.size + this.#leftToOthers.size > 0;
  }

  isOpen({ queue, task }: Pick<Lane, 'queue' | 'task'>): boolean {
    if (this.#paused.has(queue) || this.#queueRoom.get(queue)?.left === 0) return false;
    return task === null || (this.#taskRoom.get(task)?.left !== 0 && !this.#leftToOthers.has(task, queue));
  }

  /** The task of a ready job, if it may be held back; that costs reading the job where any task may be. */
  limitedTask({ id }: JobName, fileName: string): string | null {
    return this.hasTasks ? this.#ifHeldBack(this.#tasks.of(id, `${this.#context.layout.pending}/${fileName}`)) : null;
  }

  /** As `limitedTask`, of what has been read already. */
  knownTask(id: string): string | null {
    return this.hasTasks ? this.#ifHeldBack(this.#tasks.known(id)) : null;
  }

  /** Whether this ready job is left to other workers. */
  isLeft(name: JobName, fileName: string): boolean {
    if (this.#leftToOthers.size === 0) return false;
    const task = this.limitedTask(name, fileName);
    return task !== null && this.#leftToOthers.has(task, name.queue);
  }

  #ifHeldBack(task: string | null): string | null {
    return task !== null && (this.#rules.tasks.has(task) || this.#leftToOthers.hasTask(task)) ? task : null;
  }

  /** Whether any task has limits, or is left to others. */
  get hasTasks(): boolean {
    return this.#rules.tasks.size + this.#leftToOthers.size > 0;
  }

  /** This name was given out. */
  count(name: string, queue: string, task: string | null): void {
    if (this.#take(queue, task)) this.#given.set(name, { queue, task, atMs: performance.now() });
  }

  /** What was given out and not claimed yet: it will be. */
  #countGiven(): void {
    const { files, layout } = this.#context;
    for (const [name, { queue, task, atMs }] of this.#given) {
      if (this.#lookedAt - atMs < GIVEN_FOR_MS && files.exists(`${layout.pending}/${name}`)) this.#take(queue, task);
      else this.#given.delete(name);
    }
  }

  /** @returns whether anything limits it */
  #take(queue: string, task: string | null): boolean {
    const rooms = [this.#queueRoom.get(queue), task === null ? undefined : this.#taskRoom.get(task)];
    for (const room of rooms) if (room !== undefined && room.left > 0) room.left--;
    return rooms.some((room) => room !== undefined);
  }

  /** When something that is held back may be let through, ms from now; null when nothing is, or when only a word will do it. */
  againInMs(): number | null {
    const closed = [...this.#queueRoom.values(), ...this.#taskRoom.values()].filter(({ left }) => left === 0);
    if (closed.length === 0) return null;
    const sinceMs = performance.now() - this.#lookedAt;
    return Math.max(1, Math.min(...closed.map(({ againMs }) => againMs)) - sinceMs);
  }

  #roomOf({ concurrency, rate }: RunLimits, owner: LimitOwner, running: () => readonly RunningJob[]): Room {
    const nowMs = this.#context.nowMs();
    const free = concurrency === null ? Number.POSITIVE_INFINITY : Math.max(0, concurrency - running().length);
    const slots = rate === null ? Number.POSITIVE_INFINITY : freeSlots(this.#context, { owner, rate });
    const nextWindowMs = rate === null || slots > 0 ? LOOK_AGAIN_MS : windowOf(rate, nowMs).endsAtMs - nowMs;
    return { left: Math.min(free, slots), againMs: Math.min(LONGEST_WAIT_MS, nextWindowMs) };
  }
}
