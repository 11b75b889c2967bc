/**
 * Sends jobs with keys. Of the debounced calls of one key in this process one is under way at a time. Those that come meanwhile are one
 * call, with the arguments of the last: a burst of a thousand calls costs some writes.
 */
import type { NewJob, StandIn } from '../../broker/broker.ts';
import type { Debounce, Uniqueness } from '../../job/job-options.ts';
import { mayHaveOwnTtl } from '../../job/names.ts';
import type { SpoolContext } from '../disk/context.ts';
import { keyDirectory } from '../keys/key-holders.ts';
import { enqueueUnique } from './enqueue-unique.ts';
import { HoldsForAMoment } from './moment-holder.ts';
import { giveArguments } from './new-arguments.ts';

interface Call {
  readonly newJob: NewJob;
  readonly uniqueness: Uniqueness;
  readonly debounce: Debounce;
}

/** Calls of one key that wait for those before them. */
interface Turn {
  /** The last one. */
  call: Call;
  readonly end: Promise<StandIn>;
}

export class UniqueSender {
  readonly #context: SpoolContext;
  readonly #nextId: (hasOwnTtl: boolean) => string;
  readonly #holding: HoldsForAMoment;
  /** By the key's directory: the turn that has not begun. */
  readonly #open = new Map<string, Turn>();
  /** By the key's directory: the end of the last turn. */
  readonly #ends = new Map<string, Promise<unknown>>();

  constructor(context: SpoolContext, nextId: (hasOwnTtl: boolean) => string) {
    this.#context = context;
    this.#nextId = nextId;
    this.#holding = new HoldsForAMoment(context);
  }

  /** As `Broker.enqueueUnique`. */
  send(newJob: NewJob, uniqueness: Uniqueness): Promise<StandIn> {
    const { debounce, key } = uniqueness;
    if (debounce === undefined) return this.#enqueue(newJob, uniqueness);
    const directory = keyDirectory(this.#context.layout, newJob.job.task, key);
    return this.#inTurn(directory, { newJob, uniqueness, debounce });
  }

  close(): Promise<void> {
    return this.#holding.close();
  }

  #inTurn(directory: string, call: Call): Promise<StandIn> {
    const open = this.#open.get(directory);
    if (open !== undefined) {
      open.call = call;
      return open.end.then(({ id }) => ({ id, isDuplicate: true }));
    }
    const begin = (): Promise<StandIn> => {
      this.#open.delete(directory);
      return this.#sendDebounced(turn.call);
    };
    const end = (this.#ends.get(directory) ?? Promise.resolve()).then(begin, begin);
    const turn: Turn = { call, end };
    this.#open.set(directory, turn);
    this.#ends.set(directory, end);
    const forget = (): void => {
      if (this.#ends.get(directory) === end) this.#ends.delete(directory);
    };
    end.then(forget, forget);
    return end;
  }

  #sendDebounced({ newJob, uniqueness, debounce }: Call): Promise<StandIn> {
    const { job } = newJob;
    const etaMs = this.#context.nowMs() + debounce.waitMs;
    const first = { ...newJob, job: { ...job, options: { ...job.options, etaMs } } };
    const give = (id: string): Promise<boolean> => giveArguments(this.#context, this.#holding, id, newJob, debounce);
    return this.#enqueue(first, uniqueness, give);
  }

  #enqueue(newJob: NewJob, uniqueness: Uniqueness, give?: (id: string) => Promise<boolean>): Promise<StandIn> {
    const nextId = (): string => this.#nextId(mayHaveOwnTtl(newJob.job.id));
    return enqueueUnique(this.#context, nextId, newJob, uniqueness, give);
  }
}
