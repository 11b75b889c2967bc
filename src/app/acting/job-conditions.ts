/** Which of many jobs are meant: what may be asked of a job, parsed once into the places where such jobs lie and one question to each. Pure. */
import type { ListedState, NamedJob, Sighting } from '../../broker/broker.ts';
import type { Failure } from '../../job/errors.ts';
import { idTimeMs, isTimed } from '../../job/names.ts';

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

/** The jobs that meet some conditions. */
export interface Chooser {
  readonly places: readonly ListedState[];
  readonly isWanted: (job: Sighting) => boolean;
  /** Asked of a job that has not ended before it is read: false only where `isWanted` would be. */
  readonly mayBeWanted: (job: NamedJob) => boolean;
}

export function filterOf(conditions: Conditions): Chooser {
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

function placeOf({ state }: Sighting): ListedState {
  return state === 'pending' || state === 'delayed' || state === 'running' ? state : 'results';
}

/** When the last thing happened to it that its record tells; null where nothing tells. */
export function timeOf({ id, startedAtMs, endedAtMs, record }: Sighting): number | null {
  return endedAtMs ?? startedAtMs ?? record?.job.enqueuedAtMs ?? (isTimed(id) ? idTimeMs(id) : null);
}

/** 'Name: message' of its end, or else of its last attempt; null where there is none. */
export function errorOf(job: Pick<Sighting, 'record'>): string | null {
  const error = failureOf(job);
  return error === null ? null : `${error.name}: ${error.message}`;
}

/** The error of its end, or else of its last attempt; null where there is none. */
export function failureOf({ record }: Pick<Sighting, 'record'>): Failure | null {
  if (record === null) return null;
  const { outcome, attempts } = record;
  if (outcome?.state === 'succeeded') return null;
  return (outcome === null ? attempts.at(-1)?.error : outcome.error) ?? null;
}

/** In which a text is looked for. */
export function argsText(args: readonly unknown[]): string {
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
