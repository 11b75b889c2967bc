/**
 * How long outcomes are kept. What the settings say is found by the times of their ends, which BullMQ has in order; what a job says for
 * itself is written down when it ends, in a table for each ten seconds in which such a time is over. So a round reads what is over, and
 * nothing else: each outcome once, however many there are.
 *
 * What is written down is a hint: if a process dies before that, the outcome is found by its age. BullMQ's own removal of old jobs is off:
 * it only happens when another job of the queue ends, and it knows neither the states of fsq nor the jobs that still need a value.
 */
import { readIds } from '../../job/edges.ts';
import { END_STATES, everyTtlMs, type EndState } from '../../job/ended/result-ttl.ts';
import { TAIL_MARK } from '../../job/tail.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';
import type { EndedJob, Place } from '../store.ts';
import { pagesOf, TableWalk } from '../looking/table-walk.ts';
import { removeOutcomes } from './forgetting.ts';

/** The table of all tables of times. */
export const TIMES = 'over';
const SLICE_MS = 10_000;

/** Outcomes looked at in one question. */
const PAGE = 500;
/** A look at all that had ended before the last one: clocks of machines differ, and a job may end a moment after its time, ms. */
const OVERLAP_MS = 60_000;
/** How often all are looked at from the first on, ms: what was missed is found. */
const WHOLE_EVERY_MS = 3_600_000;
/** One that others still need is looked at again after this, ms. */
const NEEDED_AGAIN_MS = 60_000;
/** How long one that is to come next and is nowhere may still be on its way, ms. */
const SENT_WITHIN_MS = 600_000;

/** Writes down that the outcome of a job, which has just ended, is kept until then. */
export async function keepUntil({ store }: Engine, { queue, id }: Place, dueMs: number): Promise<void> {
  const slice = String(Math.floor(dueMs / SLICE_MS));
  await Promise.all([
    store.setField(`${TIMES}:${slice}`, id, `${queue} ${dueMs}`),
    store.setField(TIMES, slice, '1', { ifAbsent: true }),
  ]);
}

interface Options {
  /** Remove nothing, only count. */
  readonly dryRun?: boolean;
  /** Each call goes on where the last one has stopped, with some of the times. Default: each looks at all of them. */
  readonly inParts?: boolean;
}

export class OutcomeTimes {
  readonly #engine: Engine;
  readonly #ttlMs: Readonly<Record<EndState, number>>;
  readonly #dryRun: boolean;
  /** Up to which end all outcomes of a queue and state were looked at, Unix ms. */
  readonly #seen = new Map<string, number>();
  #wholeAtMs = 0;
  readonly #walk: TableWalk | null;

  constructor(engine: Engine, { dryRun = false, inParts = false }: Options = {}) {
    this.#walk = inParts ? new TableWalk(TIMES) : null;
    this.#engine = engine;
    this.#ttlMs = everyTtlMs(engine.resultTtlMs);
    this.#dryRun = dryRun;
  }

  /** Forgets what is over. @returns the ids of what is gone, or would go @throws the datastore's error: the next round does it */
  async forget(): Promise<ReadonlySet<string>> {
    // Only what is over by both clocks: one that was set wrong forgets nothing.
    const nowMs = Math.min(this.#engine.nowMs(), await this.#engine.store.clockMs());
    if (nowMs - this.#wholeAtMs >= WHOLE_EVERY_MS) {
      this.#seen.clear();
      this.#wholeAtMs = nowMs;
    }
    const gone = new Set<string>();
    const { store } = this.#engine;
    for await (const page of this.#walk === null ? pagesOf(store, TIMES) : [await this.#walk.next(store)])
      for (const slice of [...page.keys()].map(Number))
        if (slice * SLICE_MS <= nowMs) await this.#forgetSlice(slice, nowMs, gone);
    for (const queue of await this.#engine.queues.all())
      for (const state of ['completed', 'failed'] as const) await this.#forgetOld(queue, state, nowMs, gone);
    return gone;
  }

  /** Those whose own time is over. */
  async #forgetSlice(slice: number, nowMs: number, gone: Set<string>): Promise<void> {
    const { store } = this.#engine;
    const table = `${TIMES}:${slice}`;
    const entries = await store.fields(table);
    if (entries.size === 0 && !this.#dryRun) {
      await store.removeFields(TIMES, [String(slice)]);
      // Another process may have written one in between.
      if ((await store.fields(table)).size > 0) await store.setField(TIMES, String(slice), '1');
      return;
    }
    const due = [...entries].flatMap(([id, text]) => {
      const [queue = '', dueMs = ''] = text.split(' ');
      return Number(dueMs) <= nowMs ? [{ id, queue }] : [];
    });
    for (let from = 0; from < due.length; from += PAGE) {
      const page = due.slice(from, from + PAGE);
      await this.#sort(await store.endedAs(page), nowMs, gone);
      // One that is not there, or was sent back, is written down again when it ends anew.
      if (this.#dryRun) continue;
      await store.removeFields(
        table,
        page.map(({ id }) => id),
      );
    }
  }

  /** Those that ended longer ago than the settings keep any. */
  async #forgetOld(queue: string, state: EndedJob['state'], nowMs: number, gone: Set<string>): Promise<void> {
    const { store } = this.#engine;
    const states = END_STATES.filter((each) => (each === 'succeeded') === (state === 'completed'));
    const untilMs = nowMs - Math.min(...states.map((each) => this.#ttlMs[each]));
    const key = `${state} ${queue}`;
    const fromMs = Math.max(0, (this.#seen.get(key) ?? 0) - OVERLAP_MS);
    for (let skip = 0; ;) {
      const page = await store.endedBy({ queue, state, fromMs, untilMs, skip, limit: PAGE });
      if (page.length === 0) break;
      const removed = await this.#sort(page, nowMs, gone);
      skip += page.length - removed;
    }
    this.#seen.set(key, untilMs);
  }

  /** Removes those whose time is over, and writes down when that of the others is. @returns how many are removed */
  async #sort(ended: readonly EndedJob[], nowMs: number, gone: Set<string>): Promise<number> {
    const over: EndedJob[] = [];
    const staying = new Map<EndedJob, number>();
    for (const each of ended) {
      const dueMs = each.finishedOn + this.#ttlOf(each);
      if (dueMs <= nowMs) over.push(each);
      else staying.set(each, dueMs);
    }
    const needed = await stillNeeded(this.#engine, over, nowMs);
    for (const each of needed) staying.set(each, nowMs + NEEDED_AGAIN_MS);
    const leaving = over.filter((each) => !needed.has(each));
    for (const { id } of this.#dryRun ? leaving : []) gone.add(id);
    if (this.#dryRun) return 0;
    await Promise.all([...staying].map(([each, dueMs]) => keepUntil(this.#engine, each, dueMs)));
    const removed = await removeOutcomes(this.#engine, leaving);
    for (const id of removed) gone.add(id);
    return removed.length;
  }

  #ttlOf({ state, tail }: EndedJob): number {
    const { state: told, ttlMs } = endIn(tail);
    const own = typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : null;
    if (state === 'completed') return own ?? this.#ttlMs.succeeded;
    return own ?? this.#ttlMs[told === 'revoked' || told === 'expired' ? told : 'failed'];
  }
}

/** What the tail says of the end; nothing where there is none. */
function endIn(tail: string | null): Readonly<Record<string, unknown>> {
  const mark = tail?.indexOf(TAIL_MARK) ?? -1;
  return mark === -1 ? {} : parsed(`{"v":1${tail?.slice(mark) ?? ''}`);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Those that a job which has not ended may take something of. */
async function stillNeeded(engine: Engine, ended: readonly EndedJob[], nowMs: number): Promise<ReadonlySet<EndedJob>> {
  const nextOf = new Map<EndedJob, readonly string[]>();
  for (const each of ended) {
    const options = each.data === null ? null : parsed(each.data)['options'];
    const next = isRecord(options) ? (readIds(options['next']) ?? []) : [];
    if (next.length > 0) nextOf.set(each, next);
  }
  const ids = [...new Set([...nextOf.values()].flat())];
  const stages = await engine.queues.stages(ids);
  const stageOf = new Map(ids.map((id, i) => [id, stages[i] ?? null]));
  const isOpen = ({ finishedOn }: EndedJob, id: string): boolean => {
    const stage = stageOf.get(id) ?? null;
    return stage === 'open' || (stage === null && nowMs - finishedOn < SENT_WITHIN_MS);
  };
  return new Set([...nextOf].flatMap(([each, next]) => (next.some((id) => isOpen(each, id)) ? [each] : [])));
}
