/** `fsq retry`: sends ended jobs back, or sends one anew with other arguments. */
import { createSender } from '../../app/app.ts';
import { newSpoolText } from '../../app/telling/warnings.ts';
import type { Broker, Sighting } from '../../broker/broker.ts';
import { type FsqError, UnknownJobError, UsageError } from '../../job/errors.ts';
import { idsAfter } from '../../job/edges.ts';
import type { JobRecord } from '../../job/job.ts';
import { jsonText, some } from '../../job/text.ts';
import { inParts } from '../../app/acting/carry-out.ts';
import { originalOf, RETRY_OF, sendAnew } from '../../app/acting/send-anew.ts';
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
import { EXIT, exitCodeOf } from '../exit.ts';
import { filterOptions, givenOptions, type StateChoice } from '../job-filter.ts';
import { jobId, jobIds, withSpool } from '../lookup.ts';
import { givenByOptions } from '../setting-options.ts';
import { parseArguments } from './call/call-options.ts';

const CHOICE: StateChoice = { known: ['failed', 'revoked', 'expired'], byDefault: [] };

export const retry: Command = {
  name: 'retry',
  usage: 'fsq retry ID… [options] | fsq retry --state STATE [options]',
  examples: [
    ['fsq retry 0199f3c2', 'it runs again, with its history; retries are counted anew'],
    ['fsq retry --state failed --task mail --since 1h', 'all that failed within the last hour, after a question'],
    [
      'fsq map resize < in.jsonl | grep ECONNRESET | fsq retry -',
      'ids from a pipe: the first word of a line, or the id in a JSON object',
    ],
    ['fsq retry --state failed --error ECONNREFUSED --dry-run', 'only say which these are'],
    [`fsq retry 0199f3c2 --args '[5, 6]'`, 'a new job like that one, with other arguments'],
  ],
  args: { least: 0, most: MOST_IDS },
  options: {
    ...filterOptions(CHOICE),
    next: { type: 'boolean', help: 'also the jobs after them that failed for them, in chains, groups and chords' },
    all: { type: 'boolean', help: 'with --state: all jobs of that state' },
    ...BULK_OPTIONS,
    args: { type: 'string', value: 'JSON', help: 'send a new job with these arguments, as one JSON array' },
    json: { type: 'boolean', help: 'print one JSON document: [{ id, task, result }]' },
  },
  notes: [
    'Prints what was sent back, and a summary. Exits 0 when all were, 3 when there is no job of one of the ids, 2 when a job was',
    'refused (it waits, runs or has succeeded, or another job has its key); the others are sent back all the same.',
    'With --args the job may be in any state. The new one has its queue, priority, headers and options but for times, key and after,',
    `and names it in the header ${RETRY_OF}.`,
  ],
  run: runRetry,
};

async function runRetry(context: Context): Promise<number> {
  const { values, args } = context;
  if (values.text('args') !== undefined) return sendOneAnew(context);
  checkState(context);
  const filter = filterUnlessIds(context, CHOICE, null);
  const isDry = values.flag('dry-run');
  return withSpool(context, async (broker) => {
    const unknown: FsqError[] = [];
    const asked =
      filter === null
        ? await named(broker, args, unknown)
        : (await choose(context, broker, filter, askedFor)).toReversed();
    const next = await failedAfter(broker, asked);
    const found = values.flag('next') ? [...asked, ...next] : asked;
    const what = `send ${some(found.length, 'job')} of ${broker.place} back`;
    if (filter !== null && found.length > 0 && !isDry && !(await mayGoOn(context, what, found))) return EXIT.usage;
    const { sent, refused } = await sendBack(broker, found, isDry);
    await tellOfPredecessors(broker, found, sent, context.tell);
    tellAll(context, found, sent, [...unknown, ...refused.values()], filter !== null);
    if (!values.flag('next') && next.length > 0 && sent.size > 0) tellNext(context, next.length);
    const [first = null] = [...unknown, ...refused.values()];
    return first === null ? EXIT.good : exitCodeOf(first);
  });
}

/** A state is always named: what somebody has revoked must not run because a task was named. @throws UsageError */
function checkState({ values }: Context): void {
  const lone = values.flag('all') ? '--all' : givenOptions(values).find((name) => name !== '--state');
  if (lone !== undefined && values.list('state').length === 0)
    throw new UsageError(`Expected --state beside ${lone}, such as --state failed`);
}

/** A job that is asked for. */
interface Asked extends Chosen {
  /** The jobs that must have succeeded before it runs. */
  readonly after: readonly string[];
  /** The jobs that run after it, where it may be sent back. */
  readonly next: readonly string[];
}

async function named(broker: Broker, texts: readonly string[], unknown: FsqError[]): Promise<readonly Asked[]> {
  const { ids, missing } = await jobIds(broker, texts);
  unknown.push(...missing);
  const found: Asked[] = [];
  for (const id of ids) {
    const job = await broker.find(id);
    if (job === null) unknown.push(new UnknownJobError(id, broker.place));
    else found.push(askedFor(job));
  }
  return found;
}

/** The jobs after these, and after those, that failed because what came before them did; as far as the jobs name those that come next. */
async function failedAfter(broker: Broker, asked: readonly Asked[]): Promise<readonly Asked[]> {
  const known = new Set(asked.map(({ id }) => id));
  const found: Asked[] = [];
  const open = asked.flatMap(({ next }) => next);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (known.has(id)) continue;
    known.add(id);
    const record = await broker.outcome(id);
    const outcome = record?.outcome ?? null;
    if (record === null || outcome === null || outcome.state !== 'failed') continue;
    if (outcome.error.code !== 'FSQ_PREDECESSOR') continue;
    const one = { id, ...linksOf(record, true) };
    found.push(one);
    open.push(...one.next);
  }
  return found;
}

function askedFor({ id, state, record }: Sighting): Asked {
  if (record === null) return { id, task: null, after: [], next: [] };
  return {
    id,
    ...linksOf(
      record,
      CHOICE.known.some((word) => word === state),
    ),
  };
}

function linksOf({ job: { task, options } }: JobRecord, mayGo: boolean): Omit<Asked, 'id'> {
  const after = options.takes === 'error' ? [] : idsAfter(options);
  return { task, after, next: mayGo ? (options.next ?? []) : [] };
}

interface Done {
  readonly sent: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, FsqError>;
}

async function sendBack(broker: Broker, found: readonly Asked[], dryRun: boolean): Promise<Done> {
  const ids = found.map(({ id }) => id);
  const answers = await inParts(ids, (some) => broker.retry(some, { dryRun }));
  const refused = new Map<string, FsqError>();
  for (const { id } of found) {
    const answer = answers.has(id) ? (answers.get(id) ?? null) : new UnknownJobError(id, broker.place);
    if (answer !== null) refused.set(id, answer);
  }
  return { sent: new Set(found.flatMap(({ id }) => (refused.has(id) ? [] : [id]))), refused };
}

/** Jobs that fail again at once, because one that they run after has not succeeded and was not sent back with them. */
async function tellOfPredecessors(
  broker: Broker,
  found: readonly Asked[],
  sent: ReadonlySet<string>,
  tell: Context['tell'],
): Promise<void> {
  for (const { id, after } of found) {
    if (!sent.has(id)) continue;
    for (const before of after) {
      const state = sent.has(before) ? undefined : (await broker.outcome(before))?.outcome?.state;
      if (state === undefined || state === 'succeeded') continue;
      tell(
        `Job ${id} runs after job ${before}, which is ${state}: send that back first, \`fsq retry ${before}\`, or it fails again.`,
      );
      break;
    }
  }
}

function tellAll(
  context: Context,
  found: readonly Asked[],
  sent: ReadonlySet<string>,
  refused: readonly FsqError[],
  isByFilter: boolean,
): void {
  const isDry = context.values.flag('dry-run');
  const result = (id: string): string => (sent.has(id) ? (isDry ? 'would be sent back' : 'sent back') : 'refused');
  const were = isDry ? some(sent.size, 'job would be', 'jobs would be') : some(sent.size, 'job was', 'jobs were');
  const others = refused.length === 0 ? '' : `, ${refused.length} not`;
  const lines = jobLines(
    found.filter(({ id }) => sent.has(id)),
    (job) => `${job.id} ${taskText(job)}`,
    isByFilter,
  );
  context.print(
    found.map(({ id, task }) => ({ id, task, result: result(id) })),
    () => `${lines}${were} sent back${others}.\n`,
  );
  tellErrors(context, 'fsq retry', refused);
}

function tellNext({ tell, values }: Context, count: number): void {
  const failed = some(count, 'job after them failed for that and stays', 'jobs after them failed for that and stay');
  const them = count === 1 ? 'it' : 'them';
  tell(`${failed} failed: \`fsq retry … --next\` ${values.flag('dry-run') ? 'would send' : 'sends'} ${them} back too.`);
}

/** A new job: the old one stays as it is. */
async function sendOneAnew(context: Context): Promise<number> {
  const { values, args, stdout, tell } = context;
  const [text, ...more] = args;
  const other = ['--dry-run', '--next'].find((name) => values.flag(name.slice(2))) ?? givenOptions(values)[0];
  if (text === undefined || more.length > 0 || other !== undefined)
    throw new UsageError(
      other === undefined
        ? 'Expected one id beside --args: it makes a new job like that one'
        : `Expected no ${other} beside --args: it makes one new job, and sends none back`,
    );
  const argsList = parseArguments(values.text('args') ?? '', '--args');
  const original = await withSpool(context, async (broker) => originalOf(broker, await jobId(broker, text)));
  const sender = createSender(
    { ...givenByOptions(values, ['spool']), alwaysEager: false },
    { notice: tell, newSpool: (settings) => tell(newSpoolText(settings)), restoring: tell },
  );
  try {
    const id = await sendAnew(await sender.broker(), original, argsList, Date.now());
    stdout.write(values.flag('json') ? `${jsonText({ id, retryOf: original.id })}\n` : `${id}\n`);
    return EXIT.good;
  } finally {
    await sender.close();
  }
}
