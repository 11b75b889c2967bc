/** What happens to all jobs of a place: told from their beginnings, in the order of time, or from now on. */
import type { Broker, Look } from '../../broker/broker.ts';
import type { Failure } from '../../job/errors.ts';
import type { LogLine } from '../../job/values/log-lines.ts';
import { NewLines } from './log-reader.ts';
import { type JobEvent, merged, Story } from './story.ts';

/** Something that happened to a job, without what may be secret or long: no value, no detail, no stack. */
export interface SpoolEvent {
  readonly atMs: number;
  /** When is not kept: `atMs` says no more than between which others of its job it happened. */
  readonly isTimeUnknown?: true;
  readonly kind: JobEvent['kind'];
  readonly id: string;
  /** Null where the job's file cannot be read. */
  readonly task: string | null;
  readonly queue: string;
  readonly attempt?: number;
  readonly owner?: string;
  /** How far it is, from 0 to 1. */
  readonly value?: number;
  readonly done?: number;
  readonly total?: number;
  readonly stream?: LogLine['stream'];
  readonly text?: string;
  readonly reason?: string;
  readonly error?: Pick<Failure, 'name' | 'message' | 'code'>;
}

export interface SpoolEventsOptions {
  /** Begin with what is there, and tell what happened from this time on, Unix ms. Null: only what happens from now on. */
  readonly sinceMs: number | null;
  readonly follow: boolean;
  readonly isWanted: (job: Look['sighting']) => boolean;
  /** Called when all that happens from now on will be told. */
  readonly onCaughtUp?: () => void;
  readonly signal?: AbortSignal;
}

type Source = Pick<Broker, 'everyJob' | 'log'>;

/** @throws what the broker throws. When `signal` aborts it ends */
export async function* spoolEvents(
  source: Source,
  { sinceMs, follow, isWanted, onCaughtUp, signal }: SpoolEventsOptions,
): AsyncGenerator<SpoolEvent, void, undefined> {
  const fromMs = sinceMs ?? Date.now();
  const tellers = new Tellers(source, sinceMs === null ? fromMs : Number.NEGATIVE_INFINITY);
  const order = new Order();
  let wasCaughtUp = false;
  for await (const looks of source.everyJob({ sinceMs, follow, signal })) {
    for (const look of looks.jobs) {
      if (!isWanted(look.sighting)) continue;
      const events = await tellers.tell(look, looks.isCaughtUp);
      const firstAtMs = events.next?.atMs ?? Number.NEGATIVE_INFINITY;
      // Those that come later were sent later, and so all of theirs is later than this one's first.
      if (!looks.isCaughtUp) for await (const event of order.upTo(firstAtMs)) if (event.atMs >= fromMs) yield event;
      order.add(events);
    }
    if (!looks.isCaughtUp) continue;
    // What is there is told from the time that was asked for on; what comes is told in any case.
    const leastMs = wasCaughtUp ? Number.NEGATIVE_INFINITY : fromMs;
    for await (const event of order.upTo(Number.POSITIVE_INFINITY)) if (event.atMs >= leastMs) yield event;
    if (!wasCaughtUp) onCaughtUp?.();
    wasCaughtUp = true;
  }
}

/** What is to be told of a job, in order. There may be very many, so each holds little. */
class Telling {
  readonly #job: Pick<SpoolEvent, 'id' | 'task' | 'queue'>;
  #events: readonly LeanEvent[];
  #at = 0;
  /** Where its log is, which is read when its first run is told: it may be long. */
  #source: Source | null;

  constructor({ id, record, standing }: Look['sighting'], events: readonly JobEvent[], source: Source | null) {
    this.#job = { id, task: record?.job.task ?? null, queue: standing.queue };
    this.#events = events.map(lean);
    this.#source = source;
  }

  get next(): LeanEvent | undefined {
    return this.#events[this.#at];
  }

  async take(): Promise<SpoolEvent> {
    const event = this.next;
    if (event === undefined) throw new Error('Nothing is left to tell');
    this.#at++;
    if (event.kind === 'started' && this.#source !== null) await this.#takeLog(this.#source);
    const { id: _, atMs, kind, ...rest } = event;
    return { atMs, kind, ...this.#job, ...rest };
  }

  async #takeLog(source: Source): Promise<void> {
    this.#source = null;
    const { id } = this.#job;
    const log = new NewLines(source, id);
    await log.read();
    const lines = log.take(Number.POSITIVE_INFINITY);
    if (lines.length === 0) return;
    const rest = this.#events.slice(this.#at);
    const end = isEnd(rest.at(-1)) ? rest.splice(-1) : [];
    const said = lines.map((line): LeanEvent => ({ id, kind: 'log', ...line }));
    this.#events = [...merged(rest, said), ...end];
    this.#at = 0;
  }
}

function isEnd(event: LeanEvent | undefined): boolean {
  return ['succeeded', 'failed', 'revoked', 'expired'].includes(event?.kind ?? '');
}

/** An event as it is told here. Values and details may be as secret as arguments, and as long; stacks are long. */
export type LeanEvent =
  Exclude<JobEvent, { kind: 'succeeded' }> | Pick<JobEvent & { kind: 'succeeded' }, 'id' | 'atMs' | 'kind'>;

/** The event without these. */
export function lean(event: JobEvent): LeanEvent {
  if (event.kind === 'succeeded') return { id: event.id, atMs: event.atMs, kind: 'succeeded' };
  if (event.kind === 'progress') {
    const { detail: _, ...rest } = event;
    return rest;
  }
  if (!('error' in event) || event.error === undefined) return event;
  const { name, message, code } = event.error;
  return { ...event, error: { name, message, ...(code === undefined ? {} : { code }) } };
}

/** Stories of the jobs that have begun and not ended. */
class Tellers {
  readonly #source: Source;
  readonly #sinceMs: number;
  readonly #open = new Map<string, { readonly story: Story; readonly log: NewLines; isRead: boolean }>();

  /** @param sinceMs what was said before, by jobs that were known, is not told */
  constructor(source: Source, sinceMs: number) {
    this.#source = source;
    this.#sinceMs = sinceMs;
  }

  /** @param isLive what it has printed is read at once: of what is past it is read when it is told, because very many jobs may be open then */
  async tell({ sighting, before, atMs }: Look, isLive: boolean): Promise<Telling> {
    const { id, record } = sighting;
    const one = this.#open.get(id) ?? this.#begun(id, before);
    const isPast = record !== null && record.outcome !== null;
    const hasRun = sighting.standing.attempt > 0;
    const isLater = hasRun && isPast && !isLive;
    if (hasRun && !isLater) await one.log.read();
    const lines = isLater ? [] : one.log.take(isPast ? Number.POSITIVE_INFINITY : atMs);
    const told = one.story.tell(sighting, lines, atMs);
    one.isRead ||= lines.length > 0;
    if (!one.story.isOver && (one.story.hasBegun || one.isRead)) this.#open.set(id, one);
    else this.#open.delete(id);
    return new Telling(
      sighting,
      isEndOfNone(sighting) ? [unreadable(sighting, atMs)] : told,
      isLater ? this.#source : null,
    );
  }

  #begun(id: string, before: Look['before']): { story: Story; log: NewLines; isRead: boolean } {
    const sinceMs = before === null ? Number.NEGATIVE_INFINITY : this.#sinceMs;
    return { story: new Story(before, sinceMs), log: new NewLines(this.#source, id), isRead: false };
  }
}

function isEndOfNone({ state, record }: Look['sighting']): boolean {
  return record === null && state === 'failed';
}

/** An outcome that cannot be read is an end all the same. */
function unreadable({ id, location }: Look['sighting'], atMs: number): JobEvent {
  const message = `${location} holds no outcome that can be read. \`fsq doctor\` says why.`;
  return { id, atMs, kind: 'failed', error: { name: 'SpoolError', message, code: 'FSQ_CORRUPT_JOB' } };
}

/** What is to be told of many jobs, each in its order, together in the order of time: a heap whose first has the earliest next. */
class Order {
  readonly #heap: Telling[] = [];

  add(telling: Telling): void {
    if (telling.next === undefined) return;
    this.#heap.push(telling);
    for (let at = this.#heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Those of this time and before. */
  async *upTo(atMs: number): AsyncGenerator<SpoolEvent, void, undefined> {
    for (;;) {
      const first = this.#heap[0];
      if (first?.next === undefined || first.next.atMs > atMs) return;
      yield await first.take();
      if (first.next === undefined) this.#dropFirst();
      this.#sink();
    }
  }

  #dropFirst(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#heap[0] = last;
  }

  #sink(): void {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (this.#isBefore(left, least)) least = left;
      if (this.#isBefore(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one]?.next, this.#heap[other]?.next];
    if (a === undefined || b === undefined) return false;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
