/** What the commands share that change many jobs at once: they choose jobs by a filter, say which these are, and ask before they begin. */
import type { Broker, Sighting } from '../broker/broker.ts';
import { type FsqError, UsageError } from '../job/errors.ts';
import { escape, some, span } from '../job/text.ts';
import type { Context, OptionSpec } from './command.ts';
import { reportText } from './exit.ts';
import { givenOptions, type JobFilter, readFilter, type StateChoice } from './job-filter.ts';

/** Ids that a command line may name. */
export const MOST_IDS = 10_000;
/** So many jobs that a filter chose have a line of their own; of more, tasks are counted. */
const MOST_LINES = 10;
const MOST_TASKS = 10;
const MOST_ERRORS = 20;
const TELL_AFTER_MS = 1_000;
/** Jobs from one look at the clock to the next. */
const ASKED_AT_ONCE = 100;

export const BULK_OPTIONS: Readonly<Record<'dry-run' | 'yes', OptionSpec>> = {
  'dry-run': { type: 'boolean', help: 'change nothing, only say what would be done as things are' },
  yes: { type: 'boolean', short: 'y', help: 'do not ask; needed for many jobs where nobody can be asked' },
};

/** A job that was chosen, as far as it is told. */
export interface Chosen {
  readonly id: string;
  /** Null when it cannot be read. */
  readonly task: string | null;
}

/**
 * The filter that was given, or null where ids were.
 *
 * @param all what `--all` means, such as 'all that have ended'; null where there is no such option
 * @throws UsageError: neither was given, or both
 */
export function filterUnlessIds({ values, args }: Context, choice: StateChoice, all: string | null): JobFilter | null {
  const given = [...givenOptions(values), ...(all !== null && values.flag('all') ? ['--all'] : [])];
  if (args.length > 0 && given.length > 0)
    throw new UsageError(`Expected ids of jobs or ${given[0]}, got both: options choose among all jobs`);
  if (args.length === 0 && given.length === 0)
    throw new UsageError(
      `Expected ids of jobs, or which are meant: --state, --task, --queue, --since, --until, --error or --text${all === null ? '' : `; --all for ${all}`}`,
    );
  if (all !== null && values.flag('all') && given.length > 1)
    throw new UsageError(`Expected --all alone, got ${given[0]} too, which chooses among them`);
  return args.length > 0 ? null : readFilter(values, choice, Date.now());
}

/** What `pick` keeps of each job that the filter wants, those first that are to run first, then those that ended last. Little should be kept: there may be a million. */
export async function choose<T>(
  context: Pick<Context, 'stderr' | 'tell'>,
  broker: Pick<Broker, 'list'>,
  filter: JobFilter,
  pick: (job: Sighting) => T,
): Promise<readonly T[]> {
  const found: T[] = [];
  const keep = (job: Sighting): boolean => {
    if (isWanted(job)) found.push(pick(job));
    return false;
  };
  const isWanted = tellingIfLong(context, filter);
  await broker.list(filter.places, Number.POSITIVE_INFINITY, keep, filter.mayBeWanted);
  return found;
}

/** The filter's question, by which a person at a terminal hears of it when so many jobs have to be read that it takes long. */
export function tellingIfLong(
  { stderr, tell }: Pick<Context, 'stderr' | 'tell'>,
  filter: JobFilter,
): JobFilter['isWanted'] {
  if (!stderr.isTTY) return filter.isWanted;
  let [asked, isTold] = [0, false];
  const startedAt = performance.now();
  return (job) => {
    asked++;
    const tookMs = isTold || asked % ASKED_AT_ONCE > 0 ? 0 : performance.now() - startedAt;
    if (tookMs > TELL_AFTER_MS) {
      isTold = true;
      tell(`${asked} jobs were read in ${span(tookMs)}, and more are: what is asked for stands in the jobs alone.`);
    }
    return filter.isWanted(job);
  };
}

/**
 * Whether to go on, as --yes or somebody at the terminal says.
 *
 * @param what is about to be done, such as 'revoke 3 jobs of /spool'
 * @param jobs which are counted by their tasks before the question
 * @throws UsageError where nobody can be asked
 */
export async function mayGoOn(
  { values, stdin, stderr, tell }: Context,
  what: string,
  jobs: readonly Pick<Chosen, 'task'>[],
): Promise<boolean> {
  if (values.flag('yes')) return true;
  if (stdin.isTTY !== true)
    throw new UsageError(
      `Expected --yes to ${what}: nobody can be asked here. --dry-run only tells what would be done`,
    );
  stderr.write(`By task: ${countsText(jobs)}.\n${what}? [y/N] `);
  for await (const chunk of stdin) {
    if (/^\s*y(?:es)?\s*$/i.test(String(chunk))) return true;
    break;
  }
  tell('Nothing was changed.');
  return false;
}

/** A line for each job; of more than a few that a filter chose, for the first ones, and the rest are counted by their tasks. */
export function jobLines<T extends Chosen>(jobs: readonly T[], line: (job: T) => string, isByFilter: boolean): string {
  const shown = !isByFilter || jobs.length <= MOST_LINES ? jobs : jobs.slice(0, MOST_LINES);
  const rest = jobs.length - shown.length;
  const lines = shown.map((job) => `${escape(line(job))}\n`).join('');
  return rest === 0 ? lines : `${lines}… and ${rest} more; in all ${countsText(jobs)}\n`;
}

/** An error for each of some jobs: the first ones are told, the others counted. */
export function tellErrors(context: Context, who: string, errors: readonly FsqError[]): void {
  for (const error of errors.slice(0, MOST_ERRORS)) context.stderr.write(reportText(who, error, false));
  const rest = errors.length - MOST_ERRORS;
  if (rest > 0) context.tell(`${some(rest, 'other job')} ${rest === 1 ? 'was' : 'were'} left too.`);
}

/** '12 mail, 3 report', the most first. */
function countsText(jobs: readonly Pick<Chosen, 'task'>[]): string {
  const counts = new Map<string, number>();
  for (const job of jobs) counts.set(taskText(job), (counts.get(taskText(job)) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const others = sorted.slice(MOST_TASKS);
  const rest = others.reduce((sum, [, count]) => sum + count, 0);
  return [
    ...sorted.slice(0, MOST_TASKS).map(([task, count]) => `${count} ${escape(task)}`),
    ...(others.length === 0 ? [] : [`${rest} of ${some(others.length, 'other task')}`]),
  ].join(', ');
}

export function taskText({ task }: Pick<Chosen, 'task'>): string {
  return task ?? '(unreadable)';
}
