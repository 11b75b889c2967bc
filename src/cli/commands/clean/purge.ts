/** `fsq purge`: revokes jobs that wait and forgets outcomes, many at once, and asks before it does. */
import type { Broker } from '../../../broker/broker.ts';
import { UsageError } from '../../../job/errors.ts';
import { format, some } from '../../../job/text.ts';
import { inParts } from '../../../app/acting/carry-out.ts';
import { BULK_OPTIONS, choose, mayGoOn } from '../../bulk.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { filterOptions, type JobFilter, readFilter, type StateChoice } from '../../job-filter.ts';
import { withSpool } from '../../lookup.ts';

const WAITING: readonly string[] = ['pending', 'delayed'];
const CHOICE: StateChoice = {
  known: ['pending', 'delayed', 'parked', 'succeeded', 'failed', 'revoked', 'expired'],
  byDefault: ['pending', 'delayed'],
  others: 'jobs that run are not purged, `fsq revoke` ends them',
};

export const purge: Command = {
  name: 'purge',
  usage: 'fsq purge [options]',
  examples: [
    ['fsq purge', 'revoke all jobs that wait, after a question'],
    ['fsq purge --queue mail --yes', 'those of one queue, without a question'],
    ['fsq purge --state failed --task report --dry-run', 'count the outcomes that would be forgotten'],
  ],
  args: { least: 0, most: Number.MAX_SAFE_INTEGER },
  options: {
    ...filterOptions(CHOICE),
    ...BULK_OPTIONS,
    json: { type: 'boolean', help: 'print one JSON document: { dryRun, revoked, forgotten, left }' },
  },
  notes: [
    'A job that waits ends as `revoked`, so that whoever waits for it hears of it, and its outcome is kept as others are. An outcome is',
    'forgotten at once. Jobs that run are not touched: `fsq revoke` ends them. Exits 1 when some were left: they began to run',
    'meanwhile, or were sent back.',
  ],
  run: runPurge,
};

interface Found {
  readonly waiting: readonly string[];
  readonly ended: readonly string[];
  readonly all: readonly { readonly task: string | null }[];
}

async function runPurge(context: Context): Promise<number> {
  const { values } = context;
  refuseIds(context);
  const filter = readFilter(values, CHOICE, Date.now());
  const isDryRun = values.flag('dry-run');
  return withSpool(context, async (broker) => {
    const found = await find(context, broker, filter);
    if (!isDryRun && !(await mayPurge(context, broker.place, found))) return EXIT.usage;
    const done = isDryRun
      ? { revoked: found.waiting.length, forgotten: found.ended.length, left: 0 }
      : await act(broker, found);
    context.print({ dryRun: isDryRun, ...done }, () => {
      const would = isDryRun ? 'would be ' : '';
      const left = done.left === 0 ? '' : `${some(done.left, 'job')} left: they run, or were sent back\n`;
      return `${some(done.revoked, 'job')} ${would}revoked, ${some(done.forgotten, 'outcome')} ${would}forgotten\n${left}`;
    });
    return done.left === 0 ? EXIT.good : EXIT.jobFailed;
  });
}

/** @throws UsageError */
function refuseIds({ args: [extra] }: Context): void {
  if (extra === undefined) return;
  const hint = '`fsq revoke ID` ends one job, `fsq forget ID` removes one outcome';
  throw new UsageError(
    `Expected options only, got ${format(extra)}: fsq purge takes all jobs that they choose. ${hint}`,
  );
}

async function find(context: Context, broker: Broker, filter: JobFilter): Promise<Found> {
  const found = await choose(context, broker, filter, ({ id, state, record }) => ({
    id,
    task: record?.job.task ?? null,
    isWaiting: WAITING.includes(state),
  }));
  return {
    all: found,
    waiting: found.flatMap(({ id, isWaiting }) => (isWaiting ? [id] : [])),
    ended: found.flatMap(({ id, isWaiting }) => (isWaiting ? [] : [id])),
  };
}

async function mayPurge(context: Context, place: string, { waiting, ended, all }: Found): Promise<boolean> {
  if (waiting.length + ended.length === 0) return true;
  const what = [
    ...(waiting.length === 0 ? [] : [`revoke ${some(waiting.length, 'job')}`]),
    ...(ended.length === 0 ? [] : [`forget ${some(ended.length, 'outcome')}`]),
  ].join(' and ');
  return mayGoOn(context, `${what} of ${place}`, all);
}

async function act(
  broker: Broker,
  { waiting, ended }: Found,
): Promise<{ revoked: number; forgotten: number; left: number }> {
  const revocations = await inParts(waiting, (some) => broker.revoke(some));
  const forgettings = await inParts(ended, (some) => broker.forget(some));
  const revoked = [...revocations.values()].filter((answer) => answer === 'revoked').length;
  const forgotten = [...forgettings.values()].filter((answer) => answer === 'forgotten').length;
  return { revoked, forgotten, left: waiting.length + ended.length - revoked - forgotten };
}
