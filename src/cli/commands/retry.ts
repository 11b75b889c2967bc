/** `fsq retry`: sends ended jobs back, or sends one anew with other arguments. */
import { createSender } from '../../app/app.ts';
import { newSpoolText } from '../../app/telling/warnings.ts';
import type { Broker } from '../../broker/broker.ts';
import { type FsqError, UnknownJobError, UsageError } from '../../job/errors.ts';
import { jsonText, some } from '../../job/text.ts';
import { inParts } from '../../app/acting/carry-out.ts';
import {
  failedAfter,
  heldAmong,
  heldText,
  type Linked,
  linkedOf,
  SENT_BACK_FROM,
} from '../../app/acting/jobs-beside.ts';
import { originalOf, RETRY_OF, sendAnew } from '../../app/acting/send-anew.ts';
import { BULK_OPTIONS, choose, filterUnlessIds, jobLines, mayGoOn, MOST_IDS, taskText, tellErrors } from '../bulk.ts';
import type { Command, Context } from '../command.ts';
import { EXIT, exitCodeOf } from '../exit.ts';
import { filterOptions, givenOptions, type StateChoice } from '../job-filter.ts';
import { jobId, jobIds, withSpool } from '../lookup.ts';
import { givenByOptions } from '../setting-options.ts';
import { parseArguments } from './call/call-options.ts';

const CHOICE: StateChoice = { known: SENT_BACK_FROM, byDefault: [] };

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
        : (await choose(context, broker, filter, linkedOf)).toReversed();
    const next = await failedAfter(broker, asked);
    const found = values.flag('next') ? [...asked, ...next] : asked;
    const what = `send ${some(found.length, 'job')} of ${broker.place} back`;
    if (filter !== null && found.length > 0 && !isDry && !(await mayGoOn(context, what, found))) return EXIT.usage;
    const { sent, refused } = await sendBack(broker, found, isDry);
    const back = found.filter(({ id }) => sent.has(id));
    for (const held of await heldAmong(broker, back)) context.tell(heldText(held));
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

async function named(broker: Broker, texts: readonly string[], unknown: FsqError[]): Promise<readonly Linked[]> {
  const { ids, missing } = await jobIds(broker, texts);
  unknown.push(...missing);
  const found: Linked[] = [];
  for (const id of ids) {
    const job = await broker.find(id);
    if (job === null) unknown.push(new UnknownJobError(id, broker.place));
    else found.push(linkedOf(job));
  }
  return found;
}

interface Done {
  readonly sent: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, FsqError>;
}

async function sendBack(broker: Broker, found: readonly Linked[], dryRun: boolean): Promise<Done> {
  const ids = found.map(({ id }) => id);
  const answers = await inParts(ids, (some) => broker.retry(some, { dryRun }));
  const refused = new Map<string, FsqError>();
  for (const { id } of found) {
    const answer = answers.has(id) ? (answers.get(id) ?? null) : new UnknownJobError(id, broker.place);
    if (answer !== null) refused.set(id, answer);
  }
  return { sent: new Set(found.flatMap(({ id }) => (refused.has(id) ? [] : [id]))), refused };
}

function tellAll(
  context: Context,
  found: readonly Linked[],
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
