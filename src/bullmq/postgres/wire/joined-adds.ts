/** Sends the jobs of a queue with one statement at a time: what comes while one is under way goes together with the next. */
import type { IQueueBackend } from 'bullmq';

type AddJobs = IQueueBackend['addJobs'];
type Entries = Parameters<AddJobs>[0];

/** Entries of one statement, unless a single call has more. */
const MOST = 1_000;

interface Call {
  readonly entries: Entries;
  readonly resolve: (ids: string[]) => void;
  readonly reject: (error: unknown) => void;
}

export class JoinedAdds {
  readonly #add: AddJobs;
  readonly #isPassing: (error: unknown) => boolean;
  readonly #waiting: Call[] = [];
  #isSending = false;

  /** @param isPassing of an error that is not of one call: all calls of the statement get it */
  constructor(add: AddJobs, isPassing: (error: unknown) => boolean) {
    this.#add = add;
    this.#isPassing = isPassing;
  }

  add(entries: Entries): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let calls = this.#next(); calls.length > 0; calls = this.#next()) await this.#send(calls);
    this.#isSending = false;
  }

  #next(): readonly Call[] {
    let jobs = 0;
    const end = this.#waiting.findIndex(({ entries }, i) => (jobs += entries.length) > MOST && i > 0);
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #send(calls: readonly Call[]): Promise<void> {
    try {
      const ids = await this.#add(calls.flatMap(({ entries }) => entries));
      let from = 0;
      for (const { entries, resolve } of calls) resolve(ids.slice(from, (from += entries.length)));
    } catch (error) {
      const [only] = calls;
      if (only === undefined || calls.length === 1 || this.#isPassing(error)) {
        for (const { reject } of calls) reject(error);
        return;
      }
      // The statement was refused whole. One call must not fail for what another has sent.
      for (const call of calls) await this.#send([call]);
    }
  }
}
