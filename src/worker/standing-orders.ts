/** What every child has to know while it works: the jobs that are revoked and run, and the queues that are paused. */
import type { WorkerChild } from './child-process.ts';
import type { Logger } from './log.ts';

export class StandingOrders {
  readonly #children: ReadonlySet<WorkerChild>;
  readonly #log: Logger;
  #revoked: readonly string[] = [];
  #paused: readonly string[] = [];

  /** @param children those that there are, also later: it is not copied */
  constructor(children: ReadonlySet<WorkerChild>, log: Logger) {
    this.#children = children;
    this.#log = log;
  }

  /** Tells a child that has just become ready. */
  greet(child: WorkerChild): void {
    if (this.#revoked.length > 0) child.send({ type: 'revoked', ids: this.#revoked });
    if (this.#paused.length > 0) child.send({ type: 'paused', queues: this.#paused });
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

  #ready(): readonly WorkerChild[] {
    return [...this.#children].filter(({ owner }) => owner !== null);
  }
}
