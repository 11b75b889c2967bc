/** `fsq forget`: removes the outcomes of jobs, of those that are named or of all that a filter chooses. */
import type { Broker, Forgetting } from '../../../broker/broker.ts';
import { type FsqError, SpoolError, UnknownJobError, UsageError } from '../../../job/errors.ts';
import { some } from '../../../job/text.ts';
import { inParts } from '../../../app/acting/carry-out.ts';
import {
  BULK_OPTIONS,
  choose,
  type Chosen,
  filterUnlessIds,
  jobLines,
  mayGoOn,
  MOST_IDS,
  taskText,
  tellErrors,
} from '../../bulk.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT, exitCodeOf } from '../../exit.ts';
import { filterOptions, type JobFilter, type StateChoice } from '../../job-filter.ts';
import { jobIds, withSpool } from '../../lookup.ts';

const CHOICE: StateChoice = {
  known: ['succeeded', 'failed', 'revoked', 'expired'],
  byDefault: ['succeeded', 'failed', 'revoked', 'expired'],
  others: 'only what has ended is forgotten; `fsq revoke` ends what waits or runs',
};

export const forget: Command = {
  name: 'forget',
  usage: 'fsq forget ID… [options] | fsq forget --state STATE [options]',
  examples: [
    ['fsq forget 0199f3c2', 'nobody finds the job any more: its value, arguments and log are gone'],
    [
      'fsq forget --state succeeded --task report --until 7d',
      'those that succeeded more than a week ago, after a question',
    ],
    ['fsq forget --text ada@example.com --dry-run', 'only say which jobs of a customer these are'],
  ],
  args: { least: 0, most: MOST_IDS },
  options: {
    ...filterOptions(CHOICE),
    all: { type: 'boolean', help: 'all that have ended' },
    ...BULK_OPTIONS,
    json: { type: 'boolean', help: 'print one JSON document: [{ id, task, result }]' },
  },
  notes: [
    'Prints what was forgotten. Exits 0 when all was, 3 when there is no job of one of the ids, 2 when one has not ended, 75 when the',
    'store still needs one, because another process brings it to the disk: try again soon. The others are forgotten all the same.',
  ],
  run: runForget,
};

async function runForget(context: Context): Promise<number> {
  const { values, args } = context;
  const filter = filterUnlessIds(context, CHOICE, 'all that have ended');
  return withSpool(context, async (broker) => {
    const errors: FsqError[] = [];
    const jobs = filter === null ? await named(broker, args, errors) : await chosen(context, broker, filter);
    const what = `forget ${some(jobs.length, 'outcome')} of ${broker.place}`;
    const isAsked = filter !== null && jobs.length > 0 && !values.flag('dry-run');
    if (isAsked && !(await mayGoOn(context, what, jobs))) return EXIT.usage;
    const gone = values.flag('dry-run') ? jobs : await forgetAll(broker, jobs, errors);
    tellGone(context, gone, errors.length, filter !== null);
    tellErrors(context, 'fsq forget', errors);
    const [first = null] = errors;
    return first === null ? EXIT.good : exitCodeOf(first);
  });
}

async function chosen(context: Context, broker: Broker, filter: JobFilter): Promise<readonly Chosen[]> {
  const found = await choose(context, broker, filter, ({ id, record }) => ({ id, task: record?.job.task ?? null }));
  return found.toReversed(); // As they were sent.
}

async function named(broker: Broker, texts: readonly string[], errors: FsqError[]): Promise<readonly Chosen[]> {
  const { ids, missing } = await jobIds(broker, texts);
  errors.push(...missing);
  const found: Chosen[] = [];
  for (const id of ids) {
    const job = await broker.find(id);
    if (job === null) errors.push(new UnknownJobError(id, broker.place));
    else if (['pending', 'delayed', 'running'].includes(job.state)) errors.push(unfinished(id));
    else found.push({ id, task: job.record?.job.task ?? null });
  }
  return found;
}

async function forgetAll(broker: Broker, jobs: readonly Chosen[], errors: FsqError[]): Promise<readonly Chosen[]> {
  const ids = jobs.map(({ id }) => id);
  const answers = await inParts(ids, (some) => broker.forget(some));
  return jobs.filter(({ id }) => {
    const error = errorOf(id, answers.get(id));
    if (error !== null) errors.push(error);
    return error === null;
  });
}

/** One that is nowhere any more was forgotten by somebody else. */
function errorOf(id: string, answer: Forgetting | undefined): FsqError | null {
  if (answer === 'unfinished') return unfinished(id);
  if (answer !== 'recorded') return null;
  const why = 'another process still brings it to the disk. Call this again';
  return new SpoolError('FSQ_NOT_FORGOTTEN', `The outcome of job ${id} was not forgotten: ${why}.`);
}

function unfinished(id: string): UsageError {
  const next = `only an outcome can be forgotten. \`fsq wait ${id}\` waits for it, \`fsq revoke ${id}\` ends the job`;
  return new UsageError(`Expected job ${id} to have ended: ${next}`, 'FSQ_NOT_ENDED');
}

function tellGone(context: Context, gone: readonly Chosen[], left: number, isByFilter: boolean): void {
  const isDry = context.values.flag('dry-run');
  const result = isDry ? 'would be forgotten' : 'forgotten';
  const line = (job: Chosen): string => `${job.id} ${taskText(job)}`;
  const were = isDry
    ? some(gone.length, 'outcome would be', 'outcomes would be')
    : some(gone.length, 'outcome was', 'outcomes were');
  context.print(
    gone.map(({ id, task }) => ({ id, task, result })),
    () => `${jobLines(gone, line, isByFilter)}${were} forgotten${left === 0 ? '' : `, ${left} not`}.\n`,
  );
}
