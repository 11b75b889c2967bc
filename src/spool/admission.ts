/**
 * Whether a job that was just claimed may start, by the limits of its queue and its task over all workers of the spool.
 *
 * Nobody is asked and nothing is locked: whoever has claimed a job looks at what runs. Of two that claim at the same time, the
 * one whose rename came later sees the other's job, so there are never more than the limit; it may happen that both see each
 * other and both step back, and come again after a moment of random length.
 */
import { hasRules, type LimitRules, type RunLimits } from '../job/run-limits.ts';
import type { SpoolContext } from './context.ts';
import { HandedOut } from './handed-out.ts';
import type { JobName } from './layout.ts';
import type { LimitOwner } from './note-names.ts';
import { takeSlot } from './rate-slots.ts';
import { type RunningJob, runningJobs, TasksOfJobs } from './running-jobs.ts';

export class Admission {
  readonly #context: SpoolContext;
  readonly #rules: LimitRules;
  readonly #tasks: TasksOfJobs;
  readonly #refused = new HandedOut();

  constructor(context: SpoolContext, rules: LimitRules) {
    this.#context = context;
    this.#rules = rules;
    this.#tasks = new TasksOfJobs(context);
  }

  /** Null where nothing is limited: then nothing is asked. */
  static of(context: SpoolContext, rules: LimitRules | undefined): Admission | null {
    return rules === undefined || !hasRules(rules) ? null : new Admission(context, rules);
  }

  /** This ready job was over a limit: it is not tried again for a moment. */
  refused(fileName: string): void {
    this.#refused.add(fileName);
  }

  wasRefused(fileName: string): boolean {
    return this.#refused.hasRecent(fileName);
  }

  /** False: it must not start now. The job of `name` has been claimed and lies in running/. */
  admits({ queue, id }: JobName, task: string): boolean {
    const queueLimits = this.#rules.queues.get(queue);
    const taskLimits = this.#rules.tasks.get(task);
    if (queueLimits === undefined && taskLimits === undefined) return true;
    this.#tasks.remember(id, task);
    const isRoom =
      this.#hasRoom(queueLimits, ({ name }) => name.queue === queue) &&
      this.#hasRoom(taskLimits, ({ name, path }) => this.#tasks.of(name.id, path) === task);
    // A slot that was taken cannot be given back, so they come last.
    return (
      isRoom &&
      this.#takeSlot(taskLimits, { kind: 'task', name: task }) &&
      this.#takeSlot(queueLimits, { kind: 'queue', name: queue })
    );
  }

  #hasRoom(limits: RunLimits | undefined, isOne: (running: RunningJob) => boolean): boolean {
    if (limits === undefined || limits.concurrency === null) return true;
    return runningJobs(this.#context).filter(isOne).length <= limits.concurrency;
  }

  #takeSlot(limits: RunLimits | undefined, owner: LimitOwner): boolean {
    return limits === undefined || limits.rate === null || takeSlot(this.#context, owner, limits.rate);
  }
}
