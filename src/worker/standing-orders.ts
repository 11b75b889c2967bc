/** What every child has to know while it works: the jobs that are revoked and run, the queues that are paused, and the tasks of others. */
import type { KeeperOptions, TaskElsewhere } from '../broker/broker.ts';
import type { WorkerChild } from './child-process.ts';
import type { Logger } from './log.ts';

export class StandingOrders {
  readonly #children: ReadonlySet<WorkerChild>;
  readonly #log: Logger;
  #revoked: readonly string[] = [];
  #paused: readonly string[] = [];
  #elsewhere: readonly TaskElsewhere[] = [];

  /** @param children those that there are, also later: it is not copied */
  constructor(children: ReadonlySet<WorkerChild>, log: Logger) {
    this.#children = children;
    this.#log = log;
  }

  /** Through which a keeper tells them. */
  get listeners(): Required<Pick<KeeperOptions, 'onPaused' | 'onRevoked' | 'onElsewhere' | 'onTerminate'>> {
    return {
      onPaused: (queues) => this.paused(queues),
      onRevoked: (ids) => this.revoked(ids),
      onElsewhere: (tasks) => this.elsewhere(tasks),
      onTerminate: (owner, id) => this.terminate(owner, id),
    };
  }

  /** Tells a child that has just become ready. */
  greet(child: WorkerChild): void {
    if (this.#revoked.length > 0) child.send({ type: 'revoked', ids: this.#revoked });
    if (this.#paused.length > 0) child.send({ type: 'paused', queues: this.#paused });
    if (this.#elsewhere.length > 0) child.send({ type: 'elsewhere', tasks: this.#elsewhere });
  }

  revoked(ids: readonly string[]): void {
    this.#revoked = ids;
    for (const child of this.#ready()) child.send({ type: 'revoked', ids });
  }

  paused(queues: readonly string[]): void {
    this.#log.info(queues.length === 0 ? 'no queue is paused any more' : `paused: ${queues.join(', ')}`);
    this.#paused = queues;
    for (const child of this.#ready()) child.send({ type: 'paused', queues });
  }

  /** Kills the process that runs a job which is revoked so. */
  terminate(owner: string, id: string): void {
    const child = [...this.#children].find((one) => one.owner === owner);
    if (child === undefined || child.isKilledForJob) return;
    child.killForJob();
    this.#log.warn(`job ${id} is revoked: child ${child.pid} is killed with all it has started`, { job: id });
  }

  elsewhere(tasks: readonly TaskElsewhere[]): void {
    this.#elsewhere = tasks;
    for (const child of this.#ready()) child.send({ type: 'elsewhere', tasks });
  }

  #ready(): readonly WorkerChild[] {
    return [...this.#children].filter(({ owner }) => owner !== null);
  }
}
