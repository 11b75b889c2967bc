/**
 * Calls of `enqueue` that come at the same time, as one: 64 callers then wait for 65 fsyncs, not for 128.
 *
 * Each call still ends for itself. When the common attempt fails, a call of which surely nothing is queued is tried again on
 * its own, so that no call fails for a job of another.
 */
import type { NewJob } from '../../broker/broker.ts';
import { SpoolError } from '../../job/errors.ts';
import { peek } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { describe, enqueue } from './enqueue.ts';
import { inOrder } from '../after/in-order.ts';
import { spoolError } from '../disk/trouble.ts';
import type { Journal } from '../journal/journal.ts';

interface Call {
  readonly jobs: readonly NewJob[];
  resolve(): void;
  reject(error: unknown): void;
}

export class Batcher {
  readonly #context: SpoolContext;
  readonly #journal: Journal;
  #waiting: Call[] = [];
  #isBusy = false;

  constructor(context: SpoolContext, journal: Journal) {
    this.#context = context;
    this.#journal = journal;
  }

  /** The same promise as that of `enqueue`. */
  enqueue(asked: readonly NewJob[]): Promise<void> {
    const jobs = inOrder(asked);
    // Without fsync there is nothing to share.
    if (!this.#context.fsync) return enqueue(this.#context, jobs);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    await Promise.resolve(); // Calls of the same turn of the event loop come along.
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0));
    this.#isBusy = false;
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const count = calls.reduce((sum, { jobs }) => sum + jobs.length, 0);
    if (this.#journal.takes(count)) return this.#record(calls);
    const [first] = calls;
    if (first !== undefined && calls.length === 1) return this.#sendAlone(first);
    try {
      await enqueue(
        this.#context,
        calls.flatMap(({ jobs }) => jobs),
      );
      for (const call of calls) call.resolve();
    } catch (error) {
      const uncertain = new Set(error instanceof SpoolError ? error.uncertain : []);
      for (const call of calls) {
        const own = call.jobs.map(({ job }) => job.id).filter((id) => uncertain.has(id));
        if (own.length === 0) await this.#sendAlone(call);
        else call.reject(spoolError(peek(error, 'cause') ?? error, `${describe(call.jobs)} not surely queued`, own));
      }
    }
  }

  /** The calls of the next turn are written while the disk is waited for. A call of which nothing was begun goes the other way. */
  async #record(calls: readonly Call[]): Promise<void> {
    const { placed, begun, error, durable } = await this.#journal.append(calls.flatMap(({ jobs }) => jobs));
    let end = 0;
    for (const call of calls) {
      const start = end;
      end += call.jobs.length;
      if (start >= begun && end > placed) {
        await this.#sendAlone(call);
        continue;
      }
      const own = call.jobs.slice(0, begun - start).map(({ job }) => job.id);
      const reject = (cause: unknown): void =>
        call.reject(spoolError(peek(cause, 'cause') ?? cause, `${describe(call.jobs)} not surely queued`, own));
      if (end > placed) reject(error);
      else durable.then(call.resolve, reject);
    }
    durable.catch(() => undefined); // Told to those whose jobs were placed.
  }

  async #sendAlone({ jobs, resolve, reject }: Call): Promise<void> {
    try {
      await enqueue(this.#context, jobs);
      resolve();
    } catch (error) {
      reject(error);
    }
  }
}
