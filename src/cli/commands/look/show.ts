/** `fsq show`: everything that is known of one job. */
import { fileURLToPath } from 'node:url';
import { type Neighbour, type Neighbours, neighboursOf } from '../../../app/explaining/neighbours.ts';
import { firstLine } from '../../../app/explaining/reason.ts';
import { type Timeline, timelineOf } from '../../../app/explaining/timeline.ts';
import { currentFolder } from '../../../app/project/project.ts';
import { isAddress } from '../../../broker/broker-address.ts';
import type { Broker, Sighting } from '../../../broker/broker.ts';
import type { Takes } from '../../../job/edges.ts';
import { UnknownJobError } from '../../../job/errors.ts';
import { jsonText, size, some, span } from '../../../job/text.ts';
import type { JobRecord } from '../../../job/job.ts';
import { logText } from '../../../job/values/log-lines.ts';
import { progressLine } from '../../../job/values/progress.ts';
import type { Command, Context } from '../../command.ts';
import { type Field, fieldLines, type Paper, timeText } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { stateText } from '../../../app/acting/job-conditions.ts';
import { jobId, lastLines, withSpool } from '../../lookup.ts';
import { failureFields, type FailureOptions, valueText } from './failure-text.ts';
import { timelineLines } from './timeline-text.ts';

/** Of the left column: 'attempt 12' fits. */
const LABEL_WIDTH = 11;

/** Where the built files of fsq lie: frames of these are not the program's, wherever fsq is installed. */
const FSQ = fileURLToPath(new URL('..', import.meta.url));

/** How much of its log is shown, lines: of a job that failed, and of any other. */
const LAST_LINES = { failed: 10, other: 3 };

export const show: Command = {
  name: 'show',
  usage: 'fsq show ID [options]',
  examples: [
    ['fsq show 0199f3c2', 'the beginning of an id is enough'],
    ['fsq show 0199f3c2 --full', 'every frame of its stacks, every attempt, and long values'],
    ['fsq show 0199f3c2 --json', 'for programs; nothing is left out'],
  ],
  args: { least: 1, most: 1 },
  options: {
    full: { type: 'boolean', help: 'leave nothing out: frames of packages and of Node.js, long texts, many attempts' },
    json: { type: 'boolean', help: 'print one JSON document' },
  },
  notes: [
    'The timeline says when it waited and ran, and for how long; `fsq history ID` tells its events one by one, with its',
    'progress, and `fsq explain ID` why it is where it is. Arguments, values and stacks are shown as they are: mind secrets.',
  ],
  run: runShow,
};

function runShow(context: Context): Promise<number> {
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, context.args[0] ?? '');
    const found = await lookAt(broker, id);
    if (found === null) throw new UnknownJobError(id, broker.place);
    const { stdout, values } = context;
    context.print(documentOf(found), () => `${linesOf(found, stdout, values.flag('full')).join('\n')}\n`);
    return EXIT.good;
  });
}

/** All that is shown of a job. */
interface Shown {
  readonly job: Sighting;
  readonly neighbours: Neighbours;
  readonly log: Awaited<ReturnType<typeof lastLines>>;
  readonly nowMs: number;
}

/** What is told of a job to people, in lines of any width; null when there is none. */
export async function jobLines(broker: Source, id: string): Promise<readonly string[] | null> {
  const found = await lookAt(broker, id);
  return found === null ? null : linesOf(found, { columns: null, hasColours: false }, false);
}

type Source = Pick<Broker, 'find' | 'log' | 'changed'>;

async function lookAt(broker: Source, id: string): Promise<Shown | null> {
  const job = await broker.find(id);
  if (job === null) return null;
  const log = await lastLines(broker, id, job.state === 'failed' ? LAST_LINES.failed : LAST_LINES.other);
  return { job, neighbours: await neighboursOf(broker, job), log, nowMs: Date.now() };
}

function linesOf({ job, neighbours, log, nowMs }: Shown, paper: Paper, isWhole: boolean): readonly string[] {
  const options = { root: currentFolder(), fsq: FSQ, isWhole };
  const timeline = timelineOf(job);
  const details = job.record === null ? [] : detailFields(job.record, options);
  const rest = fieldLines([...details, ...rootFields(neighbours), ...logFields(log, job.id)], LABEL_WIDTH);
  return [
    ...fieldLines([...fieldsOf(job, nowMs), ...neighbourFields(job.id, neighbours)], LABEL_WIDTH),
    ...(timeline === null ? [] : timelineSection(timeline, nowMs, paper, isWhole)),
    ...(rest.length === 0 ? [] : ['', ...rest]),
  ];
}

function timelineSection(timeline: Timeline, nowMs: number, paper: Paper, isWhole: boolean): readonly string[] {
  const head = fieldLines([['timeline', `sent ${timeText(timeline.sentAtMs)}`]], LABEL_WIDTH);
  return ['', ...head, ...timelineLines(timeline, nowMs, paper, isWhole)];
}

function logFields({ lines, count }: Shown['log'], id: string): readonly Field[] {
  if (count === 0) return [];
  const more =
    lines.length === count
      ? []
      : [['log', `the last ${lines.length} of ${count} lines; \`fsq logs ${id}\` prints all`] as const];
  return [...more, ...lines.map((line, i): Field => [i === 0 && more.length === 0 ? 'log' : '', logText(line)])];
}

function documentOf({ job: { record, ...job }, neighbours, log }: Shown): Readonly<Record<string, unknown>> {
  const { id, state, dueAtMs, startedAtMs, endedAtMs, owner, location } = job;
  const { queue, priority, attempt, crashes } = job.standing;
  const times = { dueAtMs, startedAtMs, endedAtMs };
  const { waitsFor = null, awaits = [], checkpoint = null, progress } = job;
  const standing = { queue, priority, attempt, crashes };
  const { isRevoked = false, isOnItsWay = false } = job;
  const place = {
    id,
    state,
    ...standing,
    ...times,
    waitsFor,
    awaits,
    isRevoked,
    isOnItsWay,
    progress,
    checkpoint,
    owner,
    location,
  };
  if (record === null) return { ...place, readable: false };
  const { attempts, outcome, parked } = record;
  const { task, args, enqueuedAtMs, options, headers } = record.job;
  return {
    ...place,
    readable: true,
    task,
    args,
    enqueuedAtMs,
    options,
    headers,
    parked,
    attempts,
    outcome,
    neighbours,
    log: log.lines,
    logCount: log.count,
  };
}

function fieldsOf(job: Sighting, nowMs: number): readonly Field[] {
  const { standing, dueAtMs, startedAtMs, endedAtMs, record, waitsFor } = job;
  const { queue, priority, attempt, crashes } = standing;
  return [
    ['id', job.id],
    ['task', record === null ? '(it cannot be read)' : record.job.task],
    ['state', stateText(job)],
    ['due', dueAtMs === null ? null : timeText(dueAtMs)],
    ['started', startedAtMs === null ? null : `${timeText(startedAtMs)}, ${span(nowMs - startedAtMs)} ago`],
    ['ended', endedAtMs === null ? null : timeText(endedAtMs)],
    ['waits', waitsFor === undefined ? null : `for ${some(waitsFor.jobs - waitsFor.ended, 'job')} of ${waitsFor.jobs}`],
    ...progressFields(job, nowMs),
    ['checkpoint', checkpointText(job, nowMs)],
    ['owner', job.owner],
    ['waits for', job.awaits?.join(', ') ?? null],
    ['queue', `${queue}, priority ${priority}`],
    ['attempts', `${attempt}${crashes === 0 ? '' : `, ${crashes} ended with the death of their process`}`],
    [isAddress(job.location) ? 'kept at' : 'file', job.location],
    ...(record === null ? [] : recordFields(record)),
  ];
}

function progressFields({ progress, standing }: Sighting, nowMs: number): readonly Field[] {
  if (progress === null) return [];
  const { detail } = progress;
  return [
    ['progress', progressLine(progress, standing.attempt, nowMs)],
    ...(detail === undefined ? [] : [['detail', jsonText(detail)] as const]),
  ];
}

/** What a job is given of those that it comes after. */
const TAKEN: Readonly<Record<Takes, string>> = {
  value: 'its value, before the arguments',
  values: 'their values, before the arguments',
  error: 'the first failure, before the arguments; without one it does not run',
};

/** How many ids are shown of a list. */
const MOST_IDS = 5;

function checkpointText({ checkpoint }: Sighting, nowMs: number): string | null {
  if (checkpoint === undefined) return null;
  const { attempt, atMs, sizeBytes, problem } = checkpoint;
  if (problem !== null) return `cannot be read: ${problem}; the next attempt begins anew`;
  return [
    size(sizeBytes),
    ...(attempt === null ? [] : [`of attempt ${attempt}`]),
    ...(atMs === null ? [] : [`${span(nowMs - atMs)} ago`]),
  ].join(', ');
}

/** What its file says of how it is to run. */
function recordFields({ job, outcome, parked }: JobRecord): readonly Field[] {
  const { options, headers } = job;
  const { etaMs, expiresAtMs, retries, onCrash, key, limitKey } = options;
  return [
    ['not before', etaMs === undefined ? null : timeText(etaMs)],
    ['expires', expiresAtMs === undefined ? null : timeText(expiresAtMs)],
    ['takes', options.takes === undefined ? null : TAKEN[options.takes]],
    ['retries', retries === undefined ? null : String(retries)],
    ['on crash', onCrash ?? null],
    ['key', key ?? null],
    ['limit key', limitKey ?? null],
    ...Object.entries(headers).map(([name, value]): Field => ['header', `${name}=${value}`]),
    ['parked', parked === null || outcome !== null ? null : `${parked.reason}, since ${timeText(parked.sinceMs)}`],
  ];
}

/** What it was given, what came of it, and the error of its last run, or with `isWhole` of each. */
function detailFields({ job: { args }, attempts, outcome }: JobRecord, options: FailureOptions): readonly Field[] {
  const shown = options.isWhole ? attempts : outcome === null ? attempts.slice(-1) : [];
  const last = attempts.at(-1)?.error;
  const failure = outcome === null || outcome.state === 'succeeded' ? undefined : outcome.error;
  const isSame = failure !== undefined && failure.stack === last?.stack && failure.message === last?.message;
  return [
    ...args.map((arg, i): Field => [`args[${i}]`, valueText(arg, options.isWhole)]),
    ...(isSame ? shown.slice(0, -1) : shown).flatMap(({ attempt, error }) =>
      error === undefined ? [] : failureFields(`attempt ${attempt}`, error, options),
    ),
    ...(outcome?.state === 'succeeded' ? [['value', valueText(outcome.value ?? null, options.isWhole)] as const] : []),
    ...(failure === undefined ? [] : failureFields('error', failure, options)),
  ];
}

function neighbourFields(id: string, { after, afterCount, next, nextCount, row }: Neighbours): readonly Field[] {
  const named = ({ id: own, task, state }: Neighbour): string =>
    `${task ?? own}${own === id ? ' (this job)' : ''} ${state}`;
  return [
    ...listFields('after', after, afterCount),
    ...listFields('next', next, nextCount),
    ...(row.length < 3 ? [] : [['row', row.map(named).join(' → ')] as const]),
  ];
}

/** Those that have not succeeded come first: they are what one looks for. */
function listFields(label: string, jobs: readonly Neighbour[], count: number): readonly Field[] {
  const first = jobs.toSorted((a, b) => Number(a.state === 'succeeded') - Number(b.state === 'succeeded'));
  const shown = first
    .slice(0, MOST_IDS)
    .map(({ id, task, state }): Field => [label, `${id}${task === null ? '' : ` (${task})`}, ${state}`]);
  return count <= shown.length ? shown : [...shown, ['', `and ${count - shown.length} more; --json names all`]];
}

/** In a row of failures, where it began. */
function rootFields({ root }: Neighbours): readonly Field[] {
  if (root === null) return [];
  const { id, task, state, error } = root;
  return [['because', `job ${id} (${task ?? 'its file cannot be read'}) ${state}: ${error.name}: ${firstLine(error)}`]];
}
