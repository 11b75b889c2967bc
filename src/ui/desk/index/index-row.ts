/** A job as the index keeps it: small, without arguments, and with strings that it shares with other jobs. Pure. */
import { errorOf, stateText } from '../../../app/acting/job-conditions.ts';
import { SCHEDULE_HEADER } from '../../../app/schedules/read-schedules.ts';
import { readySinceMs } from '../../../app/telling/health-facts.ts';
import type { Sighting, Whereabouts } from '../../../broker/broker.ts';
import { idTimeMs, isForeignId, isId, isTimed } from '../../../job/names.ts';
import { beginning } from '../../../job/text.ts';
import type { StateName } from '../../wire.ts';
import type { FailureKind, FailureKinds } from './failure-kinds.ts';

/** Of an error this much is kept, characters. */
export const MOST_OF_ERROR = 400;

export interface IndexRow extends Omit<Whereabouts, 'state'> {
  /** Sorted by it, the job that was sent last comes last. */
  readonly order: string;
  readonly state: StateName;
  /** Null when it cannot be read. */
  readonly task: string | null;
  readonly key: string | null;
  readonly sentAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly tookMs: number | null;
  /** Since when it is ready; null of a job that is not. */
  readonly readyAtMs: number | null;
  /** 'Name: message' of its end, or else of its last attempt. */
  readonly error: string | null;
  /** Of one that failed. */
  readonly failure: FailureKind | null;
  /** That has sent it. */
  readonly schedule: string | null;
}

/** More strings are not shared: each is one of its own, as the messages of errors may be. */
const MOST_SHARED = 20_000;

export class RowMaker {
  readonly #shared = new Map<string, string>();
  readonly #kinds: FailureKinds;

  constructor(kinds: FailureKinds) {
    this.#kinds = kinds;
  }

  rowOf(job: Sighting): IndexRow {
    const { id, standing, dueAtMs, owner, startedAtMs, endedAtMs, record } = job;
    const { queue, priority, attempt, crashes } = standing;
    const sentAtMs = sentAtMsOf(job);
    const state = wordOf(job);
    const error = errorOf(job);
    return {
      id,
      order: orderOf(id, sentAtMs),
      state,
      queue: this.#share(queue),
      priority,
      attempt,
      crashes,
      dueAtMs,
      owner: this.#shareOrNull(owner ?? record?.attempts.at(-1)?.owner ?? null),
      task: this.#shareOrNull(record?.job.task ?? null),
      key: record?.job.options.key ?? null,
      sentAtMs,
      startedAtMs: startedAtMs ?? record?.attempts.at(-1)?.startedAtMs ?? null,
      endedAtMs,
      tookMs: tookMsOf(job),
      readyAtMs: state === 'pending' ? readySinceMs(job) : null,
      error: error === null ? null : this.#share(beginning(error, MOST_OF_ERROR)),
      failure: this.#kinds.of(job),
      schedule: this.#shareOrNull(record?.job.headers[SCHEDULE_HEADER] ?? null),
    };
  }

  #shareOrNull(text: string | null): string | null {
    return text === null ? null : this.#share(text);
  }

  #share(text: string): string {
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    if (this.#shared.size < MOST_SHARED) this.#shared.set(text, text);
    return text;
  }
}

/** When it was sent; null where nothing tells it. */
export function sentAtMsOf({ id, record }: Pick<Sighting, 'id' | 'record'>): number | null {
  return record?.job.enqueuedAtMs ?? (isId(id) && isTimed(id) ? idTimeMs(id) : null);
}

/**
 * How long the last attempt of a job that has ended took; null of any other, and where nobody knows. Between its end and that of the job others
 * may lie: one that waits for a retry is revoked, or expires.
 */
export function tookMsOf({ startedAtMs, endedAtMs, record }: Sighting): number | null {
  if (endedAtMs === null) return null;
  const last = record?.attempts.at(-1);
  const [fromMs, toMs] = last === undefined ? [startedAtMs, endedAtMs] : [last.startedAtMs ?? null, last.endedAtMs];
  return fromMs === null ? null : Math.max(0, toMs - fromMs);
}

/** What stands before an id that does not tell its time: the time in the same form, and a version that no id has. */
const TIME = /^[0-9a-f]{8}-[0-9a-f]{4}-0-/;
const TIME_LENGTH = 16;

/** True for a text that may be the `order` of a job. */
export function isOrder(text: string): boolean {
  return isId(text) || (TIME.test(text) && isForeignId(idIn(text)));
}

/** The id of the job that has this place. */
export function idIn(order: string): string {
  return order[TIME_LENGTH - 1] === '-' ? order.slice(TIME_LENGTH) : order; // There an id has a digit.
}

/** The last time that an id can tell: a file may say any other. */
const LAST_MS = 2 ** 48 - 1;

/** An id that tells its time is its own place in the order; any other stands before the first of its millisecond. */
function orderOf(id: string, sentAtMs: number | null): string {
  if (isId(id) && isTimed(id)) return id;
  const time = Math.min(LAST_MS, Math.max(0, Math.floor(sentAtMs ?? 0)))
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0-${id}`;
}

/** Its state in the word that filters and tables use. */
export function wordOf(job: Pick<Sighting, 'state' | 'record'>): StateName {
  return stateText(job) === 'parked' ? 'parked' : job.state;
}

const ENDED: ReadonlySet<StateName> = new Set<StateName>(['succeeded', 'failed', 'revoked', 'expired']);

export function isOver({ state }: Pick<IndexRow, 'state'>): boolean {
  return ENDED.has(state);
}

/** Where it was, for a broker that looks there first; null of one that has ended. */
export function whereaboutsOf(row: IndexRow): Whereabouts | null {
  const { id, queue, priority, attempt, crashes, dueAtMs, owner, state } = row;
  if (isOver(row)) return null;
  const place = state === 'running' || state === 'pending' ? state : 'delayed';
  return { id, queue, priority, attempt, crashes, dueAtMs, owner, state: place };
}
