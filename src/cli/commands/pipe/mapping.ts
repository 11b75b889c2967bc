/**
 * A run of `fsq map`: lines become jobs while there is room, and outcomes become lines. At most `window` lines are between the two, so
 * neither the memory nor the spool fills, however long the input is; and a reader that is slow, or an input that is, holds up the other.
 */
import { UnknownJobError } from '../../../job/errors.ts';
import type { JobRecord, Outcome } from '../../../job/job.ts';
import { jsonText } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import type { Output } from '../../command.ts';
import type { BadLine } from './json-lines.ts';

/** Lines sent at a time: they share their waits for the disk. */
const BATCH = 256;

/** A line that can be sent. */
export interface MapCall {
  readonly number: number;
  readonly args: readonly JsonValue[];
  /** Under this the spool knows the line. */
  readonly identity: string;
  /** What `--key` found in it; absent without. */
  readonly key?: JsonValue;
}

/** The job that stands for a line. */
export interface LineJob {
  readonly id: string;
  /** It was there already: an earlier start has sent it, or a line with the same key. */
  readonly isDuplicate: boolean;
}

/** What a mapping needs of the place where its jobs are. */
export interface MapBroker {
  send(calls: readonly MapCall[]): Promise<readonly LineJob[]>;
  /** Null when `signal` aborts first. @throws UnknownJobError when the outcome is forgotten */
  ended(job: LineJob, signal: AbortSignal): Promise<JobRecord | null>;
}

interface MappingPlan {
  readonly input: AsyncIterable<readonly (MapCall | BadLine)[]>;
  readonly broker: MapBroker;
  readonly stdout: Pick<Output, 'write' | 'caughtUp' | 'isClosed'>;
  readonly window: number;
  readonly isOrdered: boolean;
  /** Aborted: no further line is taken or told; the jobs at hand go on. */
  readonly stop: AbortSignal;
}

/** What has come of a line: `refused`, it is no arguments; `forgotten`, it was done before, and its outcome is not kept any more. */
export type LineState = Outcome['state'] | 'refused' | 'forgotten';

export interface MapTally {
  /** How many lines have come to which end. */
  readonly ends: Map<LineState, number>;
  /** Lines whose job was there already. */
  known: number;
}

/** A line between its sending and its end. */
type Entry = { readonly call: MapCall; readonly job: LineJob } | BadLine;

export class Mapping {
  readonly #plan: MappingPlan;
  readonly #over = new AbortController();
  readonly tally: MapTally = { ends: new Map(), known: 0 };
  #atHand = 0;
  #hearRoom: () => void = () => undefined;
  #hearEnd: () => void = () => undefined;
  #failure: { readonly error: unknown } | null = null;
  /** Lines are told one after the other, where order counts or the reader is slow. */
  #telling: { readonly until: Promise<void> } | null = null;

  constructor(plan: MappingPlan) {
    this.#plan = plan;
    // Every line at hand listens.
    process.getBuiltinModule('node:events').setMaxListeners(0, this.#over.signal);
    plan.stop.addEventListener('abort', () => this.#end(), { once: true });
    if (plan.stop.aborted) this.#end();
  }

  /** Lines that are sent, or refused, and not told. */
  get atHand(): number {
    return this.#atHand;
  }

  /**
   * Ends when all lines are told, nobody reads any more, or `stop` aborts.
   *
   * @returns true when all lines are told
   * @throws what sending or waiting threw; the jobs at hand go on
   */
  async run(): Promise<boolean> {
    const lines = this.#plan.input[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#unlessOver(lines.next());
        if (next === null || next.done === true) break;
        await this.#sendAll(next.value);
      }
      await this.#room(1);
    } finally {
      if (this.#atHand > 0) this.#end();
    }
    if (this.#failure !== null) throw this.#failure.error;
    return !this.#over.signal.aborted && !this.#plan.stdout.isClosed;
  }

  async #sendAll(lines: readonly (MapCall | BadLine)[]): Promise<void> {
    for (let from = 0; from < lines.length && !this.#over.signal.aborted;) {
      const { window } = this.#plan;
      await this.#room(window);
      const batch = lines.slice(from, from + Math.min(BATCH, window - this.#atHand));
      from += batch.length;
      await this.#send(batch);
    }
  }

  async #send(batch: readonly (MapCall | BadLine)[]): Promise<void> {
    if (this.#over.signal.aborted) return;
    const calls = batch.filter((line): line is MapCall => !('problem' in line));
    const jobs = calls.length === 0 ? [] : await this.#plan.broker.send(calls);
    let at = 0;
    for (const line of batch) {
      if ('problem' in line) {
        this.#follow(line);
        continue;
      }
      const job = jobs[at++];
      if (job === undefined) continue;
      if (job.isDuplicate) this.tally.known++;
      this.#follow({ call: line, job });
    }
  }

  #follow(entry: Entry): void {
    this.#atHand++;
    const told = this.#plan.isOrdered ? this.#inTurn(() => this.#tell(entry)) : this.#tell(entry);
    told.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#end();
    });
  }

  async #tell(entry: Entry): Promise<void> {
    const line = await this.#lineOf(entry);
    if (line === null) return;
    const { stdout, isOrdered } = this.#plan;
    if (isOrdered) {
      this.#print(line);
      await stdout.caughtUp();
    } else if (this.#telling === null && stdout.caughtUp() === null) this.#print(line);
    // What waits for a slow reader is not held: it is read again.
    else await this.#inTurn(() => this.#tellAgain(entry));
  }

  async #tellAgain(entry: Entry): Promise<void> {
    await this.#plan.stdout.caughtUp();
    const line = await this.#lineOf(entry);
    if (line !== null) this.#print(line);
  }

  /** Null when it is over first. */
  async #lineOf(entry: Entry): Promise<Told | null> {
    if ('problem' in entry) {
      const { number, problem } = entry;
      const { name, message, code } = problem;
      return {
        state: 'refused',
        document: { line: number, id: null, state: 'refused', error: { name, message, code } },
      };
    }
    const { call, job } = entry;
    const common = { line: call.number, ...(call.key === undefined ? {} : { key: call.key }), id: job.id };
    try {
      const outcome = (await this.#plan.broker.ended(job, this.#over.signal))?.outcome ?? null;
      if (outcome === null || this.#over.signal.aborted) return null;
      const args = outcome.state === 'succeeded' ? {} : { args: call.args };
      return { state: outcome.state, document: { ...common, ...outcome, ...args } };
    } catch (error) {
      if (!(error instanceof UnknownJobError)) throw error;
      return { state: 'forgotten', document: { ...common, state: 'forgotten', args: call.args } };
    }
  }

  #print({ state, document }: Told): void {
    if (this.#over.signal.aborted) return;
    this.#plan.stdout.write(`${jsonText(document)}\n`);
    const { ends } = this.tally;
    ends.set(state, (ends.get(state) ?? 0) + 1);
    this.#atHand--;
    this.#hearRoom();
    if (this.#plan.stdout.isClosed) this.#end();
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const before = this.#telling?.until ?? Promise.resolve();
    const turn = { until: before.then(act) };
    this.#telling = turn;
    const end = (): void => {
      if (this.#telling === turn) this.#telling = null;
    };
    turn.until.then(end, end);
    return turn.until;
  }

  /** Until fewer than `count` lines are at hand, or it is over. */
  async #room(count: number): Promise<void> {
    while (this.#atHand >= count && !this.#over.signal.aborted)
      await new Promise<void>((resolve) => (this.#hearRoom = resolve));
  }

  /** Null when it is over first. */
  #unlessOver<T>(work: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#hearEnd = () => resolve(null);
      if (this.#over.signal.aborted) resolve(null);
      work.then(resolve, reject);
    });
  }

  #end(): void {
    this.#over.abort();
    this.#hearRoom();
    this.#hearEnd();
  }
}

/** A line of output. */
interface Told {
  readonly state: LineState;
  readonly document: Readonly<Record<string, unknown>>;
}
