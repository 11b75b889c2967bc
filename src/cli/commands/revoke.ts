/** `fsq revoke`: stops jobs, whether they wait or run: those that are named, or all that a filter chooses. */
import type { Broker, Revocation, Sighting } from '../../broker/broker.ts';
import { type FsqError, UnknownJobError } from '../../job/errors.ts';
import { some } from '../../job/text.ts';
import { inParts } from '../../app/acting/carry-out.ts';
import { unkilledAmong } from '../../app/telling/unkilled.ts';
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
} from '../bulk.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit.ts';
import { filterOptions, type StateChoice } from '../job-filter.ts';
import { jobIds, withSpool } from '../lookup.ts';

const CHOICE: StateChoice = {
  known: ['pending', 'delayed', 'parked', 'running'],
  byDefault: ['running', 'pending', 'delayed'],
  others: 'what has ended cannot be revoked; `fsq forget` removes its outcome',
};

export const revoke: Command = {
  name: 'revoke',
  usage: 'fsq revoke ID… [options] | fsq revoke --task NAME [options]',
  examples: [
    ['fsq revoke 0199f3c2', 'what waits never starts; what runs is told to end'],
    ['fsq revoke 0199f3c2 --terminate', 'kill the process that runs it, with all it has started'],
    ['fsq revoke --task mail --text ada@example.com', 'all mails to her that wait or run, after a question'],
    ['fsq revoke --state pending --queue slow --dry-run', 'only say which these are'],
  ],
  args: { least: 0, most: MOST_IDS },
  options: {
    terminate: { type: 'boolean', help: 'kill the process that runs the job, instead of asking the task to end' },
    ...filterOptions(CHOICE),
    all: { type: 'boolean', help: 'all that wait or run' },
    ...BULK_OPTIONS,
    json: { type: 'boolean', help: 'print one JSON document: [{ id, task, result }]' },
  },
  notes: [
    'Prints what came of it: revoked (it has ended so and never runs again), requested (it runs and is told to end; `fsq get`',
    'waits for that) or ended (it had ended before, and nothing was changed). Exits 0 then, 3 when there is no job of one of the ids;',
    'the others are revoked all the same.',
    'No worker is needed to revoke what waits.',
  ],
  run: runRevoke,
};

/** A job that is to be revoked, and what came of it. */
interface Revoked extends Chosen {
  readonly result: Revocation | 'would be revoked' | 'would be told to end';
}

async function runRevoke(context: Context): Promise<number> {
  const { values } = context;
  const filter = filterUnlessIds(context, CHOICE, 'all that wait or run');
  const isDry = values.flag('dry-run');
  return withSpool(context, async (broker) => {
    const errors: FsqError[] = [];
    const jobs =
      filter === null ? await named(context, broker, errors) : await choose(context, broker, filter, wouldBe);
    const what = `revoke ${some(jobs.length, 'job')} of ${broker.place}`;
    if (filter !== null && jobs.length > 0 && !isDry && !(await mayGoOn(context, what, jobs))) return EXIT.usage;
    const done = isDry ? jobs : await revokeAll(context, broker, jobs);
    if (filter === null) {
      const known = new Set(done.map(({ id }) => id));
      for (const { id } of jobs) if (!known.has(id)) errors.push(new UnknownJobError(id, broker.place));
    }
    tellDone(context, done, filter !== null);
    tellErrors(context, 'fsq revoke', errors);
    if (context.values.flag('terminate')) await tellUnkilled(context, broker, done);
    if (filter === null && !isDry) await tellEnded(context, broker, done);
    return errors.length === 0 ? EXIT.good : EXIT.unknown;
  });
}

function tellDone(context: Context, jobs: readonly Revoked[], isByFilter: boolean): void {
  const line = (job: Revoked): string => `${job.id} ${taskText(job)} ${job.result}`;
  context.print(
    jobs.map(({ id, task, result }) => ({ id, task, result })),
    () => `${jobLines(jobs, line, isByFilter)}${isByFilter ? totalText(jobs) : ''}`,
  );
}

async function named({ args }: Context, broker: Broker, errors: FsqError[]): Promise<readonly Revoked[]> {
  const { ids, missing } = await jobIds(broker, args);
  errors.push(...missing);
  const found: Revoked[] = [];
  for (const id of ids) {
    const job = await broker.find(id);
    if (job === null) errors.push(new UnknownJobError(id, broker.place));
    else found.push(wouldBe(job));
  }
  return found;
}

function wouldBe({ id, state, record }: Sighting): Revoked {
  const isWaiting = state === 'pending' || state === 'delayed';
  const result = isWaiting ? 'would be revoked' : state === 'running' ? 'would be told to end' : 'ended';
  return { id, task: record?.job.task ?? null, result };
}

async function revokeAll(context: Context, broker: Broker, jobs: readonly Revoked[]): Promise<readonly Revoked[]> {
  const terminate = context.values.flag('terminate');
  const ids = jobs.map(({ id }) => id);
  const answers = await inParts(ids, (some) => broker.revoke(some, { terminate }));
  return jobs.flatMap((job) => {
    const result = answers.get(job.id);
    return result === undefined ? [] : [{ ...job, result }];
  });
}

/** '5 jobs: 3 revoked, 2 requested.' */
function totalText(jobs: readonly Revoked[]): string {
  const counts = new Map<string, number>();
  for (const { result } of jobs) counts.set(result, (counts.get(result) ?? 0) + 1);
  const parts = [...counts].map(([result, count]) => `${count} ${result}`);
  return `${some(jobs.length, 'job')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.\n`;
}

async function tellUnkilled({ tell }: Context, broker: Broker, jobs: readonly Revoked[]): Promise<void> {
  const requested = jobs.filter(({ result }) => result === 'requested').map(({ id }) => id);
  for (const [id, text] of await unkilledAmong(broker, requested)) tell(`Job ${id} is not killed. ${text}`);
}

async function tellEnded({ tell }: Context, broker: Broker, jobs: readonly Revoked[]): Promise<void> {
  for (const { id, result } of jobs) {
    if (result !== 'ended') continue;
    const state = (await broker.outcome(id))?.outcome?.state ?? 'ended';
    tell(`Job ${id} has ended already (${state}); nothing was changed.`);
  }
}
