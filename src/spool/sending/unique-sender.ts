/** Sends jobs with keys; the debounced calls of one key in turn. */
import type { NewJob, StandIn } from '../../broker/broker.ts';
import { CallsInTurn } from '../../broker/unique/debounced-calls.ts';
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

export class UniqueSender {
  readonly #context: SpoolContext;
  readonly #nextId: (hasOwnTtl: boolean) => string;
  readonly #holding: HoldsForAMoment;
  readonly #debounced = new CallsInTurn<Call>((call) => this.#sendDebounced(call));

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
    return this.#debounced.call(directory, { newJob, uniqueness, debounce });
  }

  close(): Promise<void> {
    return this.#holding.close();
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
