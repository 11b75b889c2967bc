/** How long outcomes are kept: by how their jobs ended, in the settings, and of the jobs of a task or a call. Pure. */
import type { Edges } from '../edges.ts';
import { UsageError } from '../errors.ts';
import { format, knownInstead } from '../text.ts';
import { type Duration, durationMs, readDuration } from '../units.ts';
import { isOptions } from '../values/realm.ts';

/** How a job may have ended. */
export const END_STATES = ['succeeded', 'failed', 'revoked', 'expired'] as const;
export type EndState = (typeof END_STATES)[number];

/** For all outcomes, or by how the job ended: states that are left out keep what holds for them otherwise. */
export type ResultTtl = Duration | { readonly [S in EndState]?: Duration };

/** The same in ms. */
export type ResultTtlMs = number | TtlByState;
type TtlByState = { readonly [S in EndState]?: number };

/** What holds where nothing else says. */
const DEFAULT_RESULT_TTL_MS = 86_400_000;

/** How long a success is kept whose result is ignored, ms: long enough for all who wait for it to hear of it. */
export const IGNORED_MS = 60_000;

/** The options of a job that say how long its outcome is kept. */
export interface Lasting {
  /** How long its outcome is kept. */
  readonly resultTtlMs?: ResultTtlMs;
  /** True: its value is not kept, and that it succeeded is soon forgotten. */
  readonly ignoreResult?: boolean;
}

/** True where a job or a task says anything of its outcomes' time. */
export function isLasting({ resultTtlMs, ignoreResult }: Lasting): boolean {
  return resultTtlMs !== undefined || ignoreResult === true;
}

/** False where nobody may read the value: no caller, and no job after it. */
export function isValueKept({ ignoreResult, next = [] }: Lasting & Edges): boolean {
  return ignoreResult !== true || next.length > 0;
}

/** How long the outcome of a job with these options is kept if it ended so, ms; undefined where they do not say. */
export function ownTtlMs({ resultTtlMs, ignoreResult }: Lasting, state: EndState): number | undefined {
  const ownMs = typeof resultTtlMs === 'object' ? resultTtlMs[state] : resultTtlMs;
  return ignoreResult === true && state === 'succeeded' ? Math.min(IGNORED_MS, ownMs ?? IGNORED_MS) : ownMs;
}

/** Every state's time, also of those that `ttl` leaves out. */
export function everyTtlMs(ttl: ResultTtlMs): Readonly<Record<EndState, number>> {
  const all = END_STATES.map((state) => [state, ownTtlMs({ resultTtlMs: ttl }, state) ?? DEFAULT_RESULT_TTL_MS]);
  return Object.fromEntries(all) as Record<EndState, number>; // Every state is there.
}

/** A task's or a call's `resultTtl`. @throws UsageError */
export function toResultTtlMs(given: unknown): ResultTtlMs {
  if (!isOptions(given)) return durationMs(given, 'resultTtl');
  const unknown = Object.keys(given).find((state) => !isEndState(state));
  if (unknown !== undefined)
    throw new UsageError(`Unknown state ${format(unknown)} of \`resultTtl\`${knownInstead(unknown, END_STATES)}`);
  return statesOf(given, (value, state) => durationMs(value, `resultTtl.${state}`));
}

/** The same of a setting or a job's file; undefined where it is none. A file's sound states count, whatever else it has. */
export function readResultTtlMs(given: unknown, isLenient: boolean): ResultTtlMs | undefined {
  if (!isOptions(given)) return readDuration(given) ?? undefined;
  const read = statesOf(given, (value) => readDuration(value) ?? undefined);
  const isSound = Object.keys(given).every((state) => given[state] === undefined || Object.hasOwn(read, state));
  return isLenient || isSound ? read : undefined;
}

/** `succeeded=1d,failed=7d` as an object; other texts as they are. */
export function resultTtlFromText(text: string): unknown {
  const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  const byState: unknown = Object.fromEntries(pairs);
  const isOnePerState =
    pairs.every(({ length }) => length === 2) && new Set(pairs.map(([state]) => state)).size === pairs.length;
  return isOnePerState && readResultTtlMs(byState, false) !== undefined ? byState : text;
}

/** What is wrong with something that is no `resultTtl`, for the end of a message; empty where there is no more to say. */
export function resultTtlHint(given: unknown): string {
  const text = typeof given === 'string' ? given : '';
  if (isUnitless(given)) return `: a number of what unit? ${FORGOTTEN_SOON}`;
  const pairs = isOptions(given)
    ? Object.entries(given)
    : text.split(',').map((pair): readonly [string, unknown] => {
        const [state = '', ...rest] = pair.split('=');
        return [state.trim(), rest.join('=').trim()];
      });
  if (!isOptions(given) && !text.includes('=')) return '';
  for (const [state, value] of pairs) {
    if (!isEndState(state)) return `: there is no state ${format(state)}${knownInstead(state, END_STATES)}`;
    if (isUnitless(value)) return `: ${state} has a number without a unit. ${FORGOTTEN_SOON}`;
    if (value !== undefined && readDuration(value) === null)
      return `: ${state} has ${format(value)}, which is no duration`;
  }
  return new Set(pairs.map(([state]) => state)).size < pairs.length ? ': a state is named twice' : '';
}

const FORGOTTEN_SOON = "'0s' would forget an outcome as soon as a worker looks, '1d' keeps it for a day";

function isUnitless(value: unknown): boolean {
  return typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value);
}

function statesOf(
  given: Readonly<Record<string, unknown>>,
  read: (value: unknown, state: EndState) => number | undefined,
): TtlByState {
  const found = END_STATES.flatMap((state) => {
    const value = given[state];
    const ms = value === undefined ? undefined : read(value, state);
    return ms === undefined ? [] : [[state, ms] as const];
  });
  return Object.fromEntries(found);
}

function isEndState(state: string): state is EndState {
  return END_STATES.some((known) => known === state);
}
