/** `fsq wait`: waits for the outcomes of jobs, and exits by them. */
import { countAsTold } from '../../../app/telling/warnings.ts';
import { after } from '../../../app/timers.ts';
import type { Broker, OwnerInfo } from '../../../broker/broker.ts';
import { UnknownJobError, UsageError } from '../../../job/errors.ts';
import { endedAtMs, type JobRecord, type Outcome } from '../../../job/job.ts';
import { escape, jsonText, some } from '../../../job/text.ts';
import { type Command, type Context, duration } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { nobodyNotice } from '../../../app/telling/runners.ts';
import { jobIds, withSpool } from '../../lookup.ts';

/** How many jobs that are nowhere are named. */
const MOST_NAMED = 10;

export const wait: Command = {
  name: 'wait',
  usage: 'fsq wait ID…|--all [options]',
  examples: [
    ['fsq wait 0199f3c2 0199f3c4', 'until both have ended; the beginning of an id is enough'],
    ['fsq wait --all --timeout 10m', 'for all that wait or run now; exits 124 if ten minutes are not enough'],
    ['fsq wait - --any < ids.txt', 'until the first of them has ended; - is for ids on standard input'],
    ['fsq wait --all --json', 'for programs: a JSON object in each line'],
  ],
  args: { least: 0, most: Number.POSITIVE_INFINITY },
  options: {
    all: { type: 'boolean', help: 'all jobs that have not ended now, delayed ones too; later ones are not waited for' },
    any: { type: 'boolean', help: 'end with the first outcome, and exit by it' },
    timeout: {
      type: 'string',
      value: 'TIME',
      help: 'wait at most so long: 250ms, 3s, 5m, 2h, 1d (default: as long as it takes)',
    },
    json: { type: 'boolean', help: 'print a JSON object for each job, with its value or error' },
  },
  notes: [
    'Prints a line for each job when it has ended: id, state, task. Exits 0 when all succeeded, 1 when one failed, else 4 when one was',
    'revoked or expired, 3 when there is no such job: at once, before it waits. 124: the time was over first; the jobs go on.',
  ],
  run: runWait,
};

function runWait(context: Context): Promise<number> {
  const { values, args, tell } = context;
  const timeoutMs = duration(values.text('timeout'), 'timeout') ?? null;
  const isAll = values.flag('all');
  if (isAll === args.length > 0)
    throw new UsageError(`Expected ids or --all, got ${isAll ? 'both' : 'neither'}. Usage: ${wait.usage}`);
  return withSpool(context, async (broker) => {
    const wanted = isAll
      ? { ids: (await broker.unended()).map(({ id }) => id), missing: [] }
      : await jobIds(broker, args);
    const { ended, left, unknown } = await lookAt(broker, wanted.ids, isAll);
    const missing = [...wanted.missing, ...unknown.map((id) => new UnknownJobError(id, broker.place))];
    if (missing.length > 0) return refuseMissing(missing, tell);
    if (isAll && left.length === 0) tell('No job waits or runs.');
    const waiting = new Waiting(context, ended.length + left.length);
    for (const record of ended) waiting.hear(record);
    if (!waiting.isOver && timeoutMs !== 0) await tellNobody(broker, tell);
    await waiting.until(broker, left, timeoutMs);
    return waiting.exitCode();
  });
}

/** One look tells which jobs have not ended; each of the others is looked up. */
async function lookAt(
  broker: Broker,
  ids: readonly string[],
  isAll: boolean,
): Promise<{ readonly ended: readonly JobRecord[]; readonly left: readonly string[]; readonly unknown: string[] }> {
  const ended: JobRecord[] = [];
  const left: string[] = [];
  const unknown: string[] = [];
  const unended = new Set(isAll ? ids : (await broker.unended()).map(({ id }) => id));
  for (const id of ids) {
    const record = unended.has(id) ? null : await broker.outcome(id);
    if (record !== null) ended.push(record);
    // One that moved during the look: to find it, the broker looks until it is proved to be nowhere.
    else if (unended.has(id) || (await broker.find(id)) !== null) left.push(id);
    else unknown.push(id);
  }
  return { ended, left, unknown };
}

/** Before the wait, because a script that has a wrong id should not wait for hours to hear of it. */
function refuseMissing(missing: readonly UnknownJobError[], tell: Context['tell']): number {
  for (const error of missing.slice(0, MOST_NAMED)) tell(`${error.message} (${error.code})`);
  if (missing.length > MOST_NAMED) tell(`So are ${missing.length - MOST_NAMED} others.`);
  return EXIT.unknown;
}

async function tellNobody(broker: Broker, tell: Context['tell']): Promise<void> {
  const owners: readonly OwnerInfo[] = await broker.owners();
  tell(nobodyNotice(owners, null, broker.place));
  countAsTold(broker.place);
}

/** The outcomes that have come, and those that are waited for. */
class Waiting {
  readonly #context: Context;
  readonly #isAny: boolean;
  readonly #states: (Outcome['state'] | 'unknown')[] = [];
  readonly #count: number;
  readonly #over = new AbortController();

  /** @param count of jobs */
  constructor(context: Context, count: number) {
    this.#context = context;
    this.#isAny = context.values.flag('any');
    this.#count = count;
  }

  /** Nothing more is waited for: there are enough outcomes, or nobody reads them. */
  get isOver(): boolean {
    const enough = this.#isAny ? Math.min(1, this.#count) : this.#count;
    return this.#states.length >= enough || this.#context.stdout.isClosed;
  }

  hear(record: JobRecord): void {
    if (record.outcome === null || (this.#isAny && this.isOver)) return;
    const { stdout, values } = this.#context;
    this.#states.push(record.outcome.state);
    stdout.write(values.flag('json') ? `${jsonText(documentOf(record))}\n` : lineOf(record, record.outcome));
    if (this.isOver) this.#over.abort();
  }

  /** One watch of the broker serves all waits. @param timeoutMs null: as long as it takes */
  async until(broker: Broker, ids: readonly string[], timeoutMs: number | null): Promise<void> {
    if (this.isOver) return;
    const { signal } = this.#over;
    const timer = timeoutMs === null ? null : after(timeoutMs, () => this.#over.abort());
    try {
      await Promise.all(ids.map((id) => this.#waitFor(broker, id, signal)));
    } finally {
      timer?.cancel();
      this.#over.abort();
    }
  }

  async #waitFor(broker: Broker, id: string, signal: AbortSignal): Promise<void> {
    try {
      const record = await broker.waitForOutcome(id, signal, true);
      if (record !== null) this.hear(record);
    } catch (error) {
      if (!(error instanceof UnknownJobError)) throw error;
      // Its outcome was forgotten while this process looked away, or somebody removed the job.
      this.#states.push('unknown');
      this.#context.tell(`${error.message} (${error.code})`);
      if (this.isOver) this.#over.abort();
    }
  }

  exitCode(): number {
    const { tell } = this.#context;
    if (this.isOver) return codeOf(this.#states);
    const left = this.#count - this.#states.length;
    tell(
      `${left} of ${some(this.#count, 'job')} ${left === 1 ? 'has' : 'have'} no outcome yet; ${left === 1 ? 'it goes' : 'they go'} on.`,
    );
    return EXIT.timedOut;
  }
}

/** The worst of what became of jobs: one that failed, then one that did not run, then one that is nowhere. */
export function codeOf(states: readonly (Outcome['state'] | 'unknown')[]): number {
  if (states.includes('failed')) return EXIT.jobFailed;
  if (states.includes('revoked') || states.includes('expired')) return EXIT.notRun;
  return states.includes('unknown') ? EXIT.unknown : EXIT.good;
}

function lineOf({ job }: JobRecord, outcome: Outcome): string {
  const why = outcome.state === 'failed' ? `: ${outcome.error.name}: ${outcome.error.message.split('\n')[0]}` : '';
  return `${escape(`${job.id} ${outcome.state} ${job.task}${why}`)}\n`;
}

function documentOf(record: JobRecord): Readonly<Record<string, unknown>> {
  const { job, attempts, outcome } = record;
  return { id: job.id, task: job.task, attempts: attempts.length, endedAtMs: endedAtMs(record), ...outcome };
}
