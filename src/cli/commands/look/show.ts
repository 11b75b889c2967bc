/** `fsq show`: everything that is known of one job. */
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { idsAfter, type Takes } from '../../../job/edges.ts';
import { type Failure, UnknownJobError } from '../../../job/errors.ts';
import { jsonText, size, some, span } from '../../../job/text.ts';
import type { Attempt, JobRecord, Outcome } from '../../../job/job.ts';
import { type LogLine, logText } from '../../../job/values/log-lines.ts';
import { progressLine } from '../../../job/values/progress.ts';
import type { Command, Context } from '../../command.ts';
import { type Field, fieldLines, timeText } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { jobId, lastLines, withSpool } from '../../lookup.ts';

/** Of the left column: 'attempt 12' fits. */
const LABEL_WIDTH = 11;

/** How much of a failed job's log is shown, lines. */
const LAST_LINES = 10;

export const show: Command = {
  name: 'show',
  summary: 'show everything of one job: arguments, attempts, errors, its file',
  usage: 'fsq show ID [options]',
  examples: [
    ['fsq show 0199f3c2', 'the beginning of an id is enough'],
    ['fsq show 0199f3c2 --json', 'for programs'],
  ],
  args: { least: 1, most: 1 },
  options: { json: { type: 'boolean', help: 'print one JSON document' } },
  notes: ['Arguments, values and stacks are shown as they are: mind secrets in them.'],
  run: runShow,
};

function runShow(context: Context): Promise<number> {
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, context.args[0] ?? '');
    const job = await broker.find(id);
    if (job === null) throw new UnknownJobError(id, broker.place);
    const log = job.state === 'failed' ? await lastLines(broker, id, LAST_LINES) : [];
    context.print(document(job, log), () => `${linesOf(job, log).join('\n')}\n`);
    return EXIT.good;
  });
}

/** What is told of a job to people, in lines; null when there is none. */
export async function jobLines(broker: Pick<Broker, 'find' | 'log'>, id: string): Promise<readonly string[] | null> {
  const job = await broker.find(id);
  if (job === null) return null;
  return linesOf(job, job.state === 'failed' ? await lastLines(broker, id, LAST_LINES) : []);
}

function linesOf(job: Sighting, log: readonly LogLine[]): readonly string[] {
  return fieldLines([...fieldsOf(job, Date.now()), ...logFields(log, job.id)], LABEL_WIDTH);
}

function logFields(log: readonly LogLine[], id: string): readonly Field[] {
  if (log.length === 0) return [];
  const more =
    log.length < LAST_LINES ? [] : [['log', `the last ${LAST_LINES} lines; \`fsq logs ${id}\` prints all`] as const];
  return [...more, ...log.map((line, i): Field => [i === 0 && more.length === 0 ? 'log' : '', logText(line)])];
}

function document({ record, ...job }: Sighting, log: readonly LogLine[]): Readonly<Record<string, unknown>> {
  const { id, state, dueAtMs, startedAtMs, endedAtMs, owner, location } = job;
  const { queue, priority, attempt, crashes } = job.standing;
  const times = { dueAtMs, startedAtMs, endedAtMs };
  const { waitsFor = null, awaits = [], checkpoint = null, progress } = job;
  const standing = { queue, priority, attempt, crashes };
  const place = { id, state, ...standing, ...times, waitsFor, awaits, progress, checkpoint, owner, location };
  if (record === null) return { ...place, readable: false };
  const { attempts, outcome, parked } = record;
  const { task, args, enqueuedAtMs, options, headers } = record.job;
  return { ...place, readable: true, task, args, enqueuedAtMs, options, headers, parked, attempts, outcome, log };
}

function fieldsOf(job: Sighting, nowMs: number): readonly Field[] {
  const { standing, dueAtMs, startedAtMs, endedAtMs, record, waitsFor } = job;
  const { queue, priority, attempt, crashes } = standing;
  return [
    ['id', job.id],
    ['task', record === null ? '(the file cannot be read)' : record.job.task],
    ['state', job.state],
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
    ['file', job.location],
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

function idFields(label: string, ids: readonly string[]): readonly Field[] {
  const shown = ids.slice(0, MOST_IDS).map((id): Field => [label, id]);
  return ids.length <= MOST_IDS ? shown : [...shown, ['', `and ${ids.length - MOST_IDS} more; --json names all`]];
}

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

function recordFields({ job, attempts, outcome, parked }: JobRecord): readonly Field[] {
  const { args, enqueuedAtMs, options, headers } = job;
  const { etaMs, expiresAtMs, retries, onCrash, key } = options;
  return [
    ['sent', timeText(enqueuedAtMs)],
    ['not before', etaMs === undefined ? null : timeText(etaMs)],
    ['expires', expiresAtMs === undefined ? null : timeText(expiresAtMs)],
    ...idFields('after', idsAfter(options)),
    ['takes', options.takes === undefined ? null : TAKEN[options.takes]],
    ...idFields('next', options.next ?? []),
    ['retries', retries === undefined ? null : String(retries)],
    ['on crash', onCrash ?? null],
    ['key', key ?? null],
    ...Object.entries(headers).map(([name, value]): Field => ['header', `${name}=${value}`]),
    ['parked', parked === null || outcome !== null ? null : `${parked.reason}, since ${timeText(parked.sinceMs)}`],
    ...args.map((arg, i): Field => [`args[${i}]`, jsonText(arg)]),
    ...attempts.flatMap((attempt) => attemptFields(attempt, outcome)),
    ...outcomeFields(outcome),
  ];
}

function outcomeFields(outcome: Outcome | null): readonly Field[] {
  if (outcome === null) return [];
  return outcome.state === 'succeeded'
    ? [['value', jsonText(outcome.value ?? null)]]
    : failureFields('error', outcome.error);
}

/** The last attempt's error is the job's own, which is shown below. */
function attemptFields(
  { attempt, startedAtMs, endedAtMs, owner, error }: Attempt,
  outcome: Outcome | null,
): readonly Field[] {
  const took = startedAtMs === undefined ? '' : `, took ${span(endedAtMs - startedAtMs)}`;
  const isShownBelow =
    outcome !== null &&
    outcome.state !== 'succeeded' &&
    outcome.error.stack === error?.stack &&
    outcome.error.message === error?.message;
  return [
    [`attempt ${attempt}`, `ended ${timeText(endedAtMs)}${took}, by ${owner}`],
    ...(error === undefined || isShownBelow ? [] : failureFields('', error)),
  ];
}

/** An error with its stack, which begins with its name and message where it has one, its causes, and the errors in it. */
function failureFields(label: string, { name, message, stack, cause, errors = [] }: Failure): readonly Field[] {
  const [first = '', ...rest] = (stack ?? `${name}: ${message}`).split('\n');
  return [
    [label, first],
    ...rest.map((line): Field => ['', line]),
    ...(cause === undefined ? [] : failureFields('cause', cause)),
    ...errors.flatMap((error, i) => failureFields(`errors[${i}]`, error)),
  ];
}
