/** Reading outcomes, and waiting for them: one watch on results/ serves all waits of a process. */
import { OutcomeWaits } from '../../broker/common/outcome-waits.ts';
import { SpoolError, UnknownJobError } from '../../job/errors.ts';
import type { JobRecord } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import { parseResultFileName, resultFileName } from '../layout.ts';
import { readJob } from '../job-file/read.ts';
import { isPassing } from '../disk/trouble.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';

/** How long the watch stays open after the last wait, ms: one call after another then pays for it once. */
const LINGER_MS = 5_000;
/** How often it is checked that the jobs waited for still exist, ms. */
const EXISTENCE_EVERY_MS = 30_000;

/**
 * The outcome of `id`, or null when it has none yet.
 *
 * @throws SpoolError when a file lies there that is no outcome
 */
export function readOutcome(context: SpoolContext, id: string): JobRecord | null {
  const path = `${context.layout.results}/${resultFileName(id)}`;
  const reading = readJob(context, path, id);
  // Asked after the reading, however good it looks. If the name is gone, the outcome was forgotten and its file may have been
  // written again while we read it: half of what we read may be of another job.
  if (reading.kind === 'gone' || !context.files.exists(path)) return null;
  if (reading.kind === 'job' && reading.document.record.outcome !== null) return reading.document.record;
  const reason = reading.kind === 'corrupt' ? reading.reason : 'it has no outcome';
  throw new SpoolError(
    'FSQ_CORRUPT_JOB',
    `Expected ${path} to hold the outcome of job ${id}, but ${reason}. fsq never writes such a file.`,
  );
}

export class OutcomeWatch {
  readonly #context: SpoolContext;
  readonly #existence: Existence;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #waits = new OutcomeWaits(() => this.#closeIfIdle());
  #closing: NodeJS.Timeout | null = null;
  /** True when a look failed: an outcome may be there that it did not find. */
  #isStale = false;
  #existenceCheckedAt = 0;

  /** @param existing has those of the ids that are jobs in the spool, ended or not */
  constructor(context: SpoolContext, existing: Existing) {
    this.#context = context;
    this.#existence = new Existence(existing);
    this.#watch = new DirectoryWatch(context.files, context.layout.results, (name) => this.#hear(name));
    this.#poll = new Poll(() => this.#look(), true);
  }

  /**
   * Resolves with the outcome, or with null when `signal` aborts.
   *
   * Watch, check, wait: an outcome published before the check is found by it, one after it by the watch or the poll.
   *
   * @param isSurelyThere spares the look whether there is such a job
   * @throws UnknownJobError, SpoolError
   */
  async wait(id: string, signal: AbortSignal | null, isSurelyThere: boolean): Promise<JobRecord | null> {
    if (!isSurelyThere && !(await this.#existence.has(id))) throw new UnknownJobError(id, this.#context.layout.root);
    this.#watch.open();
    // Most that wait come before the outcome: to look for it costs a tenth of the error of opening what is not there.
    const found = this.#isThere(id) ? readOutcome(this.#context, id) : null;
    if (found !== null || signal?.aborted === true) {
      this.#closeIfIdle();
      return found;
    }
    const outcome = this.#waits.add(id, signal);
    if (this.#waits.size === 1) this.#existenceCheckedAt = performance.now();
    this.#poll.start();
    return outcome;
  }

  close(): void {
    if (this.#closing !== null) clearTimeout(this.#closing);
    this.#closing = null;
    this.#poll.stop();
    this.#watch.close();
  }

  #closeIfIdle(): void {
    if (this.#waits.size > 0) return;
    this.#poll.stop();
    // One timer for all waits that follow one another: to put it off costs less than to make it anew.
    if (this.#closing === null) this.#closing = setTimeout(() => this.#endLinger(), LINGER_MS).unref();
    else this.#closing.refresh();
  }

  #endLinger(): void {
    this.#closing = null;
    if (this.#waits.size === 0) this.close();
  }

  #isThere(id: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(`${layout.results}/${resultFileName(id)}`);
  }

  #hear(name: string | null): void {
    if (name === null) return this.#look();
    const id = parseResultFileName(name);
    if (id !== null && this.#waits.has(id)) this.#check(id);
  }

  #look(): void {
    const ids = this.#waits.ids();
    try {
      const isStale = this.#watch.hasChanged() || this.#isStale;
      this.#isStale = false;
      if (isStale) for (const id of ids) this.#check(id);
      if (performance.now() - this.#existenceCheckedAt >= EXISTENCE_EVERY_MS) void this.#checkExistence();
    } catch (error) {
      // The spool itself is gone: every wait must end.
      for (const id of ids) this.#fail(id, error);
    }
  }

  #check(id: string): void {
    try {
      const record = readOutcome(this.#context, id);
      if (record !== null) this.#waits.resolve(id, record);
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** An error that passes ends no wait: a later poll looks again, whether anything changes or not. */
  #fail(id: string, error: unknown): void {
    if (isPassing(error)) this.#isStale = true;
    else this.#waits.reject(id, error);
  }

  async #checkExistence(): Promise<void> {
    this.#existenceCheckedAt = performance.now();
    const ids = new Set(this.#waits.ids());
    try {
      const existing = await this.#existence.of(ids);
      for (const id of ids) {
        if (!existing.has(id)) this.#waits.reject(id, new UnknownJobError(id, this.#context.layout.root));
      }
    } catch (error) {
      for (const id of ids) this.#fail(id, error);
    }
  }
}

/** Has those of the ids that are jobs in the spool, ended or not. */
type Existing = (ids: ReadonlySet<string>) => Promise<{ has(id: string): boolean }>;

interface Gathering {
  readonly ids: Set<string>;
  readonly found: ReturnType<Existing>;
}

/** Whether jobs are there: one search through the store serves all that is asked in one moment. */
class Existence {
  readonly of: Existing;
  #next: Gathering | null = null;

  constructor(of: Existing) {
    this.of = of;
  }

  async has(id: string): Promise<boolean> {
    this.#next ??= this.#gather(new Set());
    this.#next.ids.add(id);
    return (await this.#next.found).has(id);
  }

  #gather(ids: Set<string>): Gathering {
    const search = (): ReturnType<Existing> => {
      this.#next = null;
      return this.of(ids);
    };
    return { ids, found: Promise.resolve().then(search) };
  }
}
