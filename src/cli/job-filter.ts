/**
 * Which of many jobs are meant: the options that `fsq ls`, `retry`, `revoke`, `forget` and `purge` share, parsed once into the places where
 * such jobs lie and one question to each. Pure.
 */
import type { ListedState, NamedJob, Sighting } from '../broker/broker.ts';
import { refuse, UsageError } from '../job/errors.ts';
import { checkQueue, checkTaskName, idTimeMs, isTimed } from '../job/names.ts';
import { didYouMean, format } from '../job/text.ts';
import { type OptionSpec, someTime, type Values } from './command.ts';

export type StateWord =
  'pending' | 'delayed' | 'parked' | 'running' | 'results' | 'succeeded' | 'failed' | 'revoked' | 'expired';

/** The words of `--state`, where such jobs lie, and which of those are meant. */
const STATES: Readonly<Record<StateWord, { readonly in: ListedState; isWanted?(job: Sighting): boolean }>> = {
  pending: { in: 'pending' },
  delayed: { in: 'delayed' },
  parked: { in: 'delayed', isWanted: isParked },
  running: { in: 'running' },
  results: { in: 'results' },
  succeeded: { in: 'results', isWanted: ({ state }) => state === 'succeeded' },
  failed: { in: 'results', isWanted: ({ state }) => state === 'failed' },
  revoked: { in: 'results', isWanted: ({ state }) => state === 'revoked' },
  expired: { in: 'results', isWanted: ({ state }) => state === 'expired' },
};

export const STATE_WORDS = Object.keys(STATES) as readonly StateWord[];

/** What is asked of a job; what is absent or empty is not asked. */
export interface Conditions {
  /** In any of these. */
  readonly states: readonly StateWord[];
  readonly tasks?: readonly string[];
  readonly queues?: readonly string[];
  /** It ended, or else started, or else was sent, at this time or later, Unix ms. */
  readonly sinceMs?: number;
  /** The same at this time or earlier. */
  readonly untilMs?: number;
  /** Part of 'Name: message' of its error; of a job that has not ended: of its last attempt. */
  readonly error?: string;
  /** Part of the JSON of its arguments. */
  readonly text?: string;
}

export interface JobFilter {
  readonly places: readonly ListedState[];
  readonly isWanted: (job: Sighting) => boolean;
  /** Asked of a job that has not ended before it is read: false only where `isWanted` would be. */
  readonly mayBeWanted: (job: NamedJob) => boolean;
  /** The options that were given, such as '--task'; none: every job that the command may take is meant. */
  readonly given: readonly string[];
}

/** The states that a command may take, and those that it takes when none is named. */
export interface StateChoice {
  readonly known: readonly StateWord[];
  readonly byDefault: readonly StateWord[];
  /** Why another state cannot be taken, for a word that is one: the end of a sentence. */
  readonly others?: string;
}

export function filterOptions({ known, byDefault }: StateChoice): Readonly<Record<string, OptionSpec>> {
  const start =
    byDefault.length === 0 || byDefault.length === known.length ? '' : ` (default: ${byDefault.join(', ')})`;
  return {
    state: {
      type: 'string',
      short: 's',
      value: 'STATE',
      among: known,
      multiple: true,
      help: `${known.join(', ')}${start}`,
    },
    task: { type: 'string', value: 'TASKS', multiple: true, help: 'only jobs of these tasks' },
    queue: { type: 'string', short: 'Q', value: 'QUEUES', multiple: true, help: 'only jobs of these queues' },
    since: {
      type: 'string',
      value: 'TIME',
      help: 'only those that ended, or else started, or else were sent within the last 30m, 2h, 1d',
    },
    until: { type: 'string', value: 'TIME', help: 'only those of which that is longer ago than 30m, 2h, 1d' },
    error: { type: 'string', value: 'TEXT', help: "only those with this text in their error, as in 'Error: message'" },
    text: { type: 'string', value: 'TEXT', help: 'only those with this text in the JSON of their arguments' },
  };
}

/** @throws UsageError */
export function readFilter(values: Values, choice: StateChoice, nowMs: number): JobFilter {
  const named = values.names('state').map((word) => checkState(word, choice));
  const agoMs = (name: string): number | undefined => {
    const ms = someTime(values.text(name), name);
    return ms === undefined ? undefined : nowMs - ms;
  };
  const [sinceMs, untilMs] = [agoMs('since'), agoMs('until')];
  if (sinceMs !== undefined && untilMs !== undefined && untilMs < sinceMs)
    throw new UsageError(
      `Expected --until to be less long ago than --since, got --since ${values.text('since')} --until ${values.text('until')}: nothing lies between them`,
    );
  const [error, text] = [someText(values, 'error'), someText(values, 'text')];
  const filter = filterOf({
    states: named.length === 0 ? choice.byDefault : named,
    tasks: values.names('task').map(checkTaskName),
    queues: values.names('queue').map(checkQueue),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(error === undefined ? {} : { error }),
    ...(text === undefined ? {} : { text }),
  });
  return { ...filter, given: givenOptions(values) };
}

/** The options of the filter that were given, as in '--task'. */
export function givenOptions(values: Values): readonly string[] {
  const names = ['state', 'task', 'queue', 'since', 'until', 'error', 'text'];
  return names.filter((name) => values.list(name).length > 0).map((name) => `--${name}`);
}

export function filterOf(conditions: Conditions): Omit<JobFilter, 'given'> {
  const { states, tasks = [], queues = [], sinceMs, untilMs, error, text } = conditions;
  const specs = states.map((word) => STATES[word]);
  const [ofTasks, ofQueues] = [new Set(tasks), new Set(queues)];
  const questions: ((job: Sighting) => boolean)[] = [
    (job) => specs.some((spec) => spec.in === placeOf(job) && (spec.isWanted?.(job) ?? true)),
  ];
  if (ofQueues.size > 0) questions.push(({ standing }) => ofQueues.has(standing.queue));
  if (ofTasks.size > 0) questions.push(({ record }) => record !== null && ofTasks.has(record.job.task));
  if (sinceMs !== undefined) questions.push((job) => (timeOf(job) ?? Number.NEGATIVE_INFINITY) >= sinceMs);
  if (untilMs !== undefined) questions.push((job) => (timeOf(job) ?? Number.POSITIVE_INFINITY) <= untilMs);
  if (error !== undefined) questions.push((job) => errorOf(job)?.includes(error) ?? false);
  if (text !== undefined) questions.push(({ record }) => record !== null && argsText(record.job.args).includes(text));
  return {
    places: [...new Set(specs.map((spec) => spec.in))],
    isWanted: (job) => questions.every((isMet) => isMet(job)),
    mayBeWanted: ({ queue }) => ofQueues.size === 0 || ofQueues.has(queue),
  };
}

/** An empty text is in every job: that is asked by leaving the option out. @throws UsageError */
function someText(values: Values, name: string): string | undefined {
  const text = values.text(name);
  return text === '' ? refuse(`--${name}`, 'some text', text) : text;
}

/** @throws UsageError */
function checkState(word: string, { known, others }: StateChoice): StateWord {
  const found = STATE_WORDS.find((one) => one === word);
  if (found !== undefined && known.includes(found)) return found;
  const why = found !== undefined && others !== undefined ? `: ${others}` : didYouMean(word, known);
  throw new UsageError(`Expected --state to be one of ${known.join(', ')}, got ${format(word)}${why}`);
}

function placeOf({ state }: Sighting): ListedState {
  return state === 'pending' || state === 'delayed' || state === 'running' ? state : 'results';
}

/** When the last thing happened to it that its record tells; null where nothing tells. */
function timeOf({ id, startedAtMs, endedAtMs, record }: Sighting): number | null {
  return endedAtMs ?? startedAtMs ?? record?.job.enqueuedAtMs ?? (isTimed(id) ? idTimeMs(id) : null);
}

function errorOf({ record }: Sighting): string | null {
  if (record === null) return null;
  const { outcome, attempts } = record;
  if (outcome?.state === 'succeeded') return null;
  const error = outcome === null ? attempts.at(-1)?.error : outcome.error;
  return error === undefined ? null : `${error.name}: ${error.message}`;
}

function argsText(args: readonly unknown[]): string {
  return JSON.stringify(args);
}

/** True of one that waits for a worker that knows its task. */
export function isParked({ state, record }: Pick<Sighting, 'state' | 'record'>): boolean {
  return state === 'delayed' && record !== null && record.parked !== null;
}

/** Its state in the word by which jobs are chosen. */
export function stateText(job: Pick<Sighting, 'state' | 'record'>): string {
  return isParked(job) ? 'parked' : job.state;
}
