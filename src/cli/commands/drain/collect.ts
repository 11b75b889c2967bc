/** Gathers what is told of a drain: the jobs that did not end well, each with its error and the end of its output, in the order of their ends. */
import type { Broker } from '../../../broker/broker.ts';
import type { JobRecord } from '../../../job/job.ts';
import type { Failure } from '../../../job/errors.ts';
import { lastLines } from '../../lookup.ts';
import type { Trouble } from './report.ts';
import type { EndedJob } from './tally.ts';

/** How much of a job's output is told, lines. */
const LAST_LINES = 10;
/** Of so many jobs the output is read, and the stack is kept: thousands of failures are one failure. */
const MOST_TOLD_WHOLE = 200;
/** Longest message of the others, characters. */
const SHORT = 500;

export class Collected {
  readonly #broker: Pick<Broker, 'outcome' | 'log'>;
  readonly #keepsGood: boolean;
  readonly #onTrouble: (trouble: Trouble) => void;
  readonly good: EndedJob[] = [];
  readonly troubles: Trouble[] = [];
  #reading: Promise<void> = Promise.resolve();
  #count = 0;

  /** @param keepsGood whether each job is named that ended well */
  constructor(broker: Pick<Broker, 'outcome' | 'log'>, keepsGood: boolean, onTrouble: (trouble: Trouble) => void) {
    this.#broker = broker;
    this.#keepsGood = keepsGood;
    this.#onTrouble = onTrouble;
  }

  /** @param record where it was read already */
  add(job: EndedJob, record: JobRecord | null): void {
    if (job.state !== 'succeeded') {
      const isWhole = this.#count++ < MOST_TOLD_WHOLE;
      this.#reading = this.#reading.then(() => this.#read(job, record, isWhole));
    } else if (this.#keepsGood) this.good.push(job);
  }

  /** Resolves when all is read. */
  settled(): Promise<void> {
    return this.#reading;
  }

  async #read(job: EndedJob, known: JobRecord | null, isWhole: boolean): Promise<void> {
    let trouble: Trouble = { ...job, error: null, output: [] };
    try {
      const outcome = (known ?? (await this.#broker.outcome(job.id)))?.outcome ?? null;
      const error = outcome === null || outcome.state === 'succeeded' ? null : outcome.error;
      const output = isWhole ? (await lastLines(this.#broker, job.id, LAST_LINES)).lines : [];
      trouble = { ...job, error: error === null || isWhole ? error : shortened(error), output };
    } catch {
      // It failed, which counts; what it said is not to be had, because the spool is gone, say.
    }
    this.troubles.push(trouble);
    this.#onTrouble(trouble);
  }
}

function shortened({ name, message }: Failure): Failure {
  return { name, message: message.slice(0, SHORT) };
}
