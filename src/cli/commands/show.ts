/** `fsq show`: everything that is known of one job. */
import type { Sighting } from '../../broker/broker.ts';
import { type Failure, UnknownJobError } from '../../job/errors.ts';
import { escape } from '../../job/text.ts';
import type { Attempt, JobRecord, Outcome } from '../../job/job.ts';
import type { JobOptions } from '../../job/job-options.ts';
import { span, timeText } from '../ages.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { jobId } from '../job-id.ts';
import { withSpool } from '../open.ts';
import { jsonText } from '../output.ts';

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
  const { values, args, stdout } = context;
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, args[0] ?? '');
    const job = await broker.find(id);
    if (job === null) throw new UnknownJobError(id, broker.place);
    stdout.write(values.flag('json') ? `${jsonText(document(job), 2)}\n` : showText(job, Date.now()));
    return EXIT.good;
  });
}

function document({
  id,
  state,
  standing,
  dueAtMs,
  startedAtMs,
  endedAtMs,
  owner,
  location,
  record,
}: Sighting): Readonly<Record<string, unknown>> {
  const { queue, priority, attempt, crashes } = standing;
  const times = { dueAtMs, startedAtMs, endedAtMs };
  const place = { id, state, queue, priority, attempt, crashes, ...times, owner, location };
  if (record === null) return { ...place, readable: false };
  const { job, attempts, outcome, parked } = record;
  const { task, args, enqueuedAtMs, options, headers } = job;
  return { ...place, readable: true, task, args, enqueuedAtMs, options, headers, parked, attempts, outcome };
}

/** The job for people; every text from its file is escaped. */
export function showText(job: Sighting, nowMs: number): string {
  const { id, state, standing, dueAtMs, startedAtMs, endedAtMs, owner, location, record } = job;
  const lines = [
    field('id', id),
    field('task', record === null ? '(the file cannot be read)' : record.job.task),
    field('state', state),
    ...(dueAtMs === null ? [] : [field('due', timeText(dueAtMs))]),
    ...(startedAtMs === null ? [] : [field('started', `${timeText(startedAtMs)}, ${span(nowMs - startedAtMs)} ago`)]),
    ...(endedAtMs === null ? [] : [field('ended', timeText(endedAtMs))]),
    ...(owner === null ? [] : [field('owner', owner)]),
    field('queue', `${standing.queue}, priority ${standing.priority}`),
    field(
      'attempts',
      `${standing.attempt}${standing.crashes === 0 ? '' : `, ${standing.crashes} ended with the death of their process`}`,
    ),
    field('file', location),
    ...(record === null ? [] : recordLines(record)),
  ];
  return `${lines.join('\n')}\n`;
}

function recordLines({ job, attempts, outcome, parked }: JobRecord): readonly string[] {
  const { args, enqueuedAtMs, options, headers } = job;
  return [
    field('sent', timeText(enqueuedAtMs)),
    ...optionLines(options),
    ...Object.entries(headers).map(([key, value]) => field('header', `${key}=${value}`)),
    ...(parked === null || outcome !== null
      ? []
      : [field('parked', `${parked.reason}, since ${timeText(parked.sinceMs)}`)]),
    ...args.map((arg, i) => field(`args[${i}]`, jsonText(arg))),
    ...attempts.flatMap((attempt) => attemptLines(attempt, outcome)),
    ...(outcome === null
      ? []
      : outcome.state === 'succeeded'
        ? [field('value', jsonText(outcome.value ?? null))]
        : failureLines('error', outcome.error)),
  ];
}

function optionLines({ etaMs, expiresAtMs, retries, onCrash, key }: JobOptions): readonly string[] {
  return [
    ...(etaMs === undefined ? [] : [field('not before', timeText(etaMs))]),
    ...(expiresAtMs === undefined ? [] : [field('expires', timeText(expiresAtMs))]),
    ...(retries === undefined ? [] : [field('retries', String(retries))]),
    ...(onCrash === undefined ? [] : [field('on crash', onCrash)]),
    ...(key === undefined ? [] : [field('key', key)]),
  ];
}

/** The last attempt's error is the job's own, which is shown below. */
function attemptLines(
  { attempt, startedAtMs, endedAtMs, owner, error }: Attempt,
  outcome: Outcome | null,
): readonly string[] {
  const took = startedAtMs === undefined ? '' : `, took ${span(endedAtMs - startedAtMs)}`;
  const line = field(`attempt ${attempt}`, `ended ${timeText(endedAtMs)}${took}, by ${owner}`);
  const isShownBelow =
    outcome !== null &&
    outcome.state !== 'succeeded' &&
    outcome.error.stack === error?.stack &&
    outcome.error.message === error?.message;
  return error === undefined || isShownBelow ? [line] : [line, ...failureLines('', error)];
}

/** An error with its stack, which begins with its name and message where it has one, its causes, and the errors in it. */
function failureLines(label: string, { name, message, stack, cause, errors = [] }: Failure): readonly string[] {
  const [first = '', ...rest] = (stack ?? `${name}: ${message}`).split('\n');
  return [
    field(label, first),
    ...rest.map((line) => field('', line)),
    ...(cause === undefined ? [] : failureLines('cause', cause)),
    ...errors.flatMap((error, i) => failureLines(`errors[${i}]`, error)),
  ];
}

function field(label: string, text: string): string {
  return `${label.padEnd(11)} ${escape(text)}`.trimEnd();
}
