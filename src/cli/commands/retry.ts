/** `fsq retry`: sends ended jobs back, or sends one anew with other arguments. */
import { createSender } from '../../app/app.ts';
import { newSpoolText } from '../../app/telling/warnings.ts';
import type { Broker, Sighting } from '../../broker/broker.ts';
import { type FsqError, UnknownJobError, UsageError } from '../../job/errors.ts';
import { idsAfter } from '../../job/edges.ts';
import type { JobRecord } from '../../job/job.ts';
import { checkTaskName, mayHaveOwnTtl } from '../../job/names.ts';
import { didYouMean, jsonText, some } from '../../job/text.ts';
import { checkedArguments } from '../../job/values/payload.ts';
import { type Command, type Context, someTime, type Values } from '../command.ts';
import { EXIT, exitCodeOf, reportText } from '../exit.ts';
import { jobId, jobIds, withSpool } from '../lookup.ts';
import { givenByOptions } from '../setting-options.ts';
import { parseArguments } from './call/call-options.ts';

const MOST_IDS = 10_000;
const STATES = ['failed', 'revoked', 'expired'];
/** The header of a job that was sent anew, which names the one that it was made of. */
const RETRY_OF = 'fsq.retry-of';

export const retry: Command = {
  name: 'retry',
  summary: 'send jobs back that failed, were revoked or expired',
  usage: 'fsq retry ID… [options] | fsq retry --state STATE [options]',
  examples: [
    ['fsq retry 0199f3c2', 'it runs again, with its history; retries are counted anew'],
    ['fsq retry --state failed --task mail --since 1h', 'all that failed within the last hour'],
    ['fsq retry --state failed --error ECONNREFUSED --dry-run', 'only say which these are'],
    [`fsq retry 0199f3c2 --args '[5, 6]'`, 'a new job like that one, with other arguments'],
  ],
  args: { least: 0, most: MOST_IDS },
  options: {
    state: { type: 'string', short: 's', value: 'STATE', multiple: true, help: `all that are ${STATES.join(', ')}` },
    task: { type: 'string', value: 'NAMES', multiple: true, help: 'of these, the jobs of these tasks' },
    error: { type: 'string', value: 'TEXT', help: "those with this text in their error, as in 'Error: message'" },
    since: { type: 'string', value: 'TIME', help: 'those that ended within the last 30m, 2h, 1d' },
    next: { type: 'boolean', help: 'also the jobs after them that failed for them, in chains, groups and chords' },
    'dry-run': { type: 'boolean', help: 'say what would be sent back as things are, and change nothing' },
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

function runRetry(context: Context): Promise<number> {
  const { values, args } = context;
  const filter = filterOf(values);
  if (values.text('args') !== undefined) return sendAnew(context);
  if (filter === null && args.length === 0)
    throw new UsageError('Expected ids of jobs, or --state failed. `fsq retry --help` shows examples.');
  if (filter !== null && args.length > 0) throw new UsageError('Expected ids of jobs or --state, got both');
  return withSpool(context, async (broker) => {
    const unknown: FsqError[] = [];
    const asked = filter === null ? await named(broker, args, unknown) : await matching(broker, filter);
    const next = await failedAfter(broker, asked);
    const found = values.flag('next') ? [...asked, ...next] : asked;
    const { sent, refused } = await sendBack(broker, found, values.flag('dry-run'));
    await tellOfPredecessors(broker, found, sent, context.tell);
    tellAll(context, found, sent, [...unknown, ...refused.values()]);
    if (!values.flag('next') && next.length > 0 && sent.size > 0) tellNext(context, next.length);
    const [first = null] = [...unknown, ...refused.values()];
    return first === null ? EXIT.good : exitCodeOf(first);
  });
}

interface Filter {
  readonly states: readonly string[];
  readonly tasks: readonly string[];
  readonly error: string | undefined;
  readonly sinceMs: number;
}

/** Null when no state is given. @throws UsageError */
function filterOf(values: Values): Filter | null {
  const states = values.names('state');
  for (const state of states) {
    if (STATES.includes(state)) continue;
    const hint = didYouMean(state, STATES);
    throw new UsageError(`Expected --state to be one of ${STATES.join(', ')}, got "${state}"${hint}`);
  }
  const tasks = values.names('task').map(checkTaskName);
  const error = values.text('error');
  const ageMs = someTime(values.text('since'), 'since');
  if (states.length > 0)
    return {
      states,
      tasks,
      error,
      sinceMs: ageMs === undefined ? Number.NEGATIVE_INFINITY : Date.now() - ageMs,
    };
  const lone = ['task', 'error', 'since'].find((name) => values.list(name).length > 0);
  if (lone !== undefined) throw new UsageError(`Expected --state beside --${lone}, such as --state failed`);
  return null;
}

/** A job that is asked for. */
interface Asked {
  readonly id: string;
  readonly task: string | null;
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

/** The records are let go of at once: there may be very many. */
async function matching(broker: Broker, { states, tasks, error, sinceMs }: Filter): Promise<readonly Asked[]> {
  const found: Asked[] = [];
  await broker.list(['results'], Number.POSITIVE_INFINITY, (job) => {
    const { state, endedAtMs, record } = job;
    const outcome = record?.outcome ?? null;
    if (record === null || outcome === null || outcome.state === 'succeeded' || !states.includes(state)) return false;
    if (tasks.length > 0 && !tasks.includes(record.job.task)) return false;
    if (error !== undefined && !`${outcome.error.name}: ${outcome.error.message}`.includes(error)) return false;
    if ((endedAtMs ?? Number.NEGATIVE_INFINITY) >= sinceMs) found.push(askedFor(job));
    return false;
  });
  return found.toReversed(); // As they were sent.
}

function askedFor({ id, state, record }: Sighting): Asked {
  if (record === null) return { id, task: null, after: [], next: [] };
  return { id, ...linksOf(record, STATES.includes(state)) };
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
  const answers = await broker.retry(
    found.map(({ id }) => id),
    { dryRun },
  );
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
): void {
  const isDry = context.values.flag('dry-run');
  const result = (id: string): string => (sent.has(id) ? (isDry ? 'would be sent back' : 'sent back') : 'refused');
  const were = isDry ? some(sent.size, 'job would be', 'jobs would be') : some(sent.size, 'job was', 'jobs were');
  const others = refused.length === 0 ? '' : `, ${refused.length} not`;
  const lines = found.filter(({ id }) => sent.has(id)).map(({ id, task }) => `${id} ${task ?? '(unreadable)'}\n`);
  context.print(
    found.map(({ id, task }) => ({ id, task, result: result(id) })),
    () => `${lines.join('')}${were} sent back${others}.\n`,
  );
  for (const error of refused) context.stderr.write(reportText('fsq retry', error, false));
}

function tellNext({ tell, values }: Context, count: number): void {
  const failed = some(count, 'job after them failed for that and stays', 'jobs after them failed for that and stay');
  const them = count === 1 ? 'it' : 'them';
  tell(`${failed} failed: \`fsq retry … --next\` ${values.flag('dry-run') ? 'would send' : 'sends'} ${them} back too.`);
}

/** A new job: the old one stays as it is. */
async function sendAnew(context: Context): Promise<number> {
  const { values, args, stdout, tell } = context;
  const [text, ...more] = args;
  const other = ['state', 'dry-run'].find((name) => values.flag(name) || values.list(name).length > 0);
  if (text === undefined || more.length > 0 || other !== undefined)
    throw new UsageError(
      other === undefined
        ? 'Expected one id beside --args: it makes a new job like that one'
        : `Expected no --${other} beside --args: it makes one new job, and sends none back`,
    );
  const argsList = parseArguments(values.text('args') ?? '', '--args');
  const { task, headers, options, queue, priority, id } = await withSpool(context, async (broker) => {
    const wanted = await jobId(broker, text);
    const job = await broker.find(wanted);
    const record = job?.record ?? null;
    if (job === null || record === null) throw new UnknownJobError(wanted, broker.place);
    return { ...record.job, ...job.standing, id: wanted };
  });
  const {
    etaMs: _eta,
    expiresAtMs: _expires,
    key: _key,
    after: _after,
    takes: _takes,
    shape: _shape,
    next: _next,
    ...kept
  } = options;
  const sender = createSender(
    { ...givenByOptions(values, ['spool']), alwaysEager: false },
    { notice: tell, newSpool: (settings) => tell(newSpoolText(settings)), restoring: tell },
  );
  try {
    const broker = await sender.broker();
    const job = {
      id: broker.nextId(mayHaveOwnTtl(id)),
      task,
      args: checkedArguments(task, argsList),
      enqueuedAtMs: Date.now(),
      options: kept,
      headers: { ...headers, [RETRY_OF]: id },
    };
    await broker.enqueue([{ job, queue, priority }]);
    stdout.write(values.flag('json') ? `${jsonText({ id: job.id, retryOf: id })}\n` : `${job.id}\n`);
    return EXIT.good;
  } finally {
    await sender.close();
  }
}
