/** What every child has to know while it works: the jobs that are revoked and run, the queues that are paused, and the tasks of others. */
import type { KeeperOptions, TaskElsewhere } from '../broker/broker.ts';
import type { WorkerChild } from './child-process.ts';
import type { Crew } from './crew.ts';
import type { Logger } from './log.ts';

export class StandingOrders {
  readonly #crew: Crew;
  readonly #log: Logger;
  #revoked: readonly string[] = [];
  #paused: readonly string[] = [];
  #elsewhere: readonly TaskElsewhere[] = [];

  constructor(crew: Crew, log: Logger) {
    this.#crew = crew;
    this.#log = log;
  }

  /** Through which a keeper tells them. */
  get listeners(): Required<Pick<KeeperOptions, 'onPaused' | 'onRevoked' | 'onElsewhere' | 'onTerminate'>> {
    return {
      onPaused: (queues) => this.paused(queues),
      onRevoked: (ids) => this.revoked(ids),
      onElsewhere: (tasks) => this.elsewhere(tasks),
      onTerminate: (owner, id) => this.#crew.terminate(owner, id),
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

  elsewhere(tasks: readonly TaskElsewhere[]): void {
    this.#elsewhere = tasks;
    for (const child of this.#ready()) child.send({ type: 'elsewhere', tasks });
  }

  #ready(): readonly WorkerChild[] {
    return this.#crew.children.filter(({ owner }) => owner !== null);
  }
}
