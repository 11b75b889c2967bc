/** Which jobs a page asks for: its query, checked, as one question to a row of the index. Pure. */
import { refuse } from '../../../job/errors.ts';
import { checkQueue, checkTaskName, isId } from '../../../job/names.ts';
import { readDuration } from '../../../job/units.ts';
import type { JobQuery, StateName } from '../../wire.ts';
import type { IndexRow } from './index-row.ts';

export const STATES: readonly StateName[] = [
  'pending',
  'delayed',
  'parked',
  'running',
  'succeeded',
  'failed',
  'revoked',
  'expired',
];

export interface RowMatcher {
  /** Of all that the index tells. */
  readonly isMatch: (row: IndexRow) => boolean;
  /** The same without the question for its state. */
  readonly isMatchInAnyState: (row: IndexRow) => boolean;
  readonly isOfState: (state: StateName) => boolean;
  readonly asksForStatesAlone: boolean;
  /** Part of the arguments, which are read for it, of the jobs that match and whose id does not begin so; null: not asked. */
  readonly text: string | null;
}

type Question = (row: IndexRow) => boolean;

/**
 * @param hidesArguments a text is looked for in ids only: else somebody could ask letter by letter
 * @throws UsageError for a query that is none
 */
export function matcherOf(query: JobQuery, nowMs: number, hidesArguments: boolean): RowMatcher {
  const { worker, key, error, group } = query;
  const states = new Set((query.states ?? []).map(checkState));
  const tasks = new Set((query.tasks ?? []).map(checkTaskName));
  const queues = new Set((query.queues ?? []).map(checkQueue));
  const sinceMs = query.since === undefined ? null : nowMs - sinceOf(query.since);
  const text = query.text ?? '';
  const questions: Question[] = [];
  if (tasks.size > 0) questions.push(({ task }) => task !== null && tasks.has(task));
  if (queues.size > 0) questions.push(({ queue }) => queues.has(queue));
  if (worker !== undefined) questions.push(({ owner }) => isWorker(owner, worker));
  if (key !== undefined) questions.push((row) => row.key === key);
  if (sinceMs !== null) questions.push((row) => (lastMsOf(row) ?? Number.NEGATIVE_INFINITY) >= sinceMs);
  if (error !== undefined) questions.push((row) => row.error?.includes(error) ?? false);
  if (group !== undefined) questions.push(({ failure }) => failure?.key === group);
  const isOfIds = hidesArguments || isId(text.toLowerCase());
  if (text !== '' && isOfIds) questions.push(({ id }) => beginsWith(id, text));
  const isOfState = (state: StateName): boolean => states.size === 0 || states.has(state);
  const isMatchInAnyState: Question = (row) => questions.every((isMet) => isMet(row));
  return {
    isMatch: (row) => isOfState(row.state) && isMatchInAnyState(row),
    isMatchInAnyState,
    isOfState,
    asksForStatesAlone: questions.length === 0 && (text === '' || isOfIds),
    text: text === '' || isOfIds ? null : text,
  };
}

/** fsq's own ids are of small letters. */
export function beginsWith(id: string, text: string): boolean {
  return id.startsWith(text) || id.startsWith(text.toLowerCase());
}

function checkState(word: string): StateName {
  return STATES.find((state) => state === word) ?? refuse('`states`', `some of ${STATES.join(', ')}`, word);
}

function sinceOf(text: string): number {
  return readDuration(text) ?? refuse('`since`', 'a time with its unit, such as 30m, 2h or 1d', text);
}

/** The name of an owner begins with the number of its process. */
function isWorker(owner: string | null, wanted: string): boolean {
  return owner !== null && (owner === wanted || (/^\d+$/.test(wanted) && owner.startsWith(`${wanted}-`)));
}

/** When the last thing happened to it that is known. */
function lastMsOf({ endedAtMs, startedAtMs, sentAtMs }: IndexRow): number | null {
  return endedAtMs ?? startedAtMs ?? sentAtMs;
}
