/** The jobs beside those that are sent back: the ones after them that failed for them, and the ones before them for which they fail again. */
import type { Broker, Sighting } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';
import type { JobRecord, Outcome } from '../../job/job.ts';

/** A job that is to be sent back. */
export interface Linked {
  readonly id: string;
  /** Null when it cannot be read. */
  readonly task: string | null;
  /** The jobs that must have succeeded before it runs. */
  readonly after: readonly string[];
  /** The jobs that run after it, where it may be sent back. */
  readonly next: readonly string[];
}

/** The states from which a job may be sent back. */
export const SENT_BACK_FROM: readonly Outcome['state'][] = ['failed', 'revoked', 'expired'];

/** Outcomes that are read at the same time. */
const READ_AT_ONCE = 64;

export function linkedOf({ id, state, record }: Sighting): Linked {
  if (record === null) return { id, task: null, after: [], next: [] };
  return { id, ...linksOf(record, maySendBack(state)) };
}

/** Those of `ids` that have ended and may be sent back. */
export async function linkedEnds(
  broker: Pick<Broker, 'outcome'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Linked>> {
  const found = new Map<string, Linked>();
  for (const [id, record] of await recordsOf(broker, ids))
    if (maySendBack(record.outcome?.state)) found.set(id, { id, ...linksOf(record, true) });
  return found;
}

/** The jobs after these, and after those, that failed because what came before them did; as far as the jobs name those that come next. */
export async function failedAfter(
  broker: Pick<Broker, 'outcome'>,
  asked: readonly Linked[],
): Promise<readonly Linked[]> {
  const known = new Set(asked.map(({ id }) => id));
  const found: Linked[] = [];
  for (let wave = asked; wave.length > 0;) {
    const ids = [...new Set(wave.flatMap(({ next }) => next))].filter((id) => !known.has(id));
    for (const id of ids) known.add(id);
    const records = await recordsOf(broker, ids);
    wave = [...records].flatMap(([id, record]) =>
      hasFailedForOthers(record) ? [{ id, ...linksOf(record, true) }] : [],
    );
    found.push(...wave);
  }
  return found;
}

/** A job that fails again at once: one that has to run before it has not succeeded, and was not sent back with it. */
export interface Held {
  readonly id: string;
  readonly before: string;
  readonly state: Outcome['state'];
}

/** Of the jobs that were sent back; each with the first for which it fails. Where that one failed for another as well, with that other. */
export async function heldAmong(broker: Pick<Broker, 'outcome'>, sent: readonly Linked[]): Promise<readonly Held[]> {
  const back = new Set(sent.map(({ id }) => id));
  const records = new Map<string, JobRecord>();
  const read = async (ids: readonly string[]): Promise<void> => {
    for (const [id, record] of await recordsOf(broker, ids)) records.set(id, record);
  };
  const unsucceeded = (ids: readonly string[]): string | undefined =>
    ids.find((id) => (records.get(id)?.outcome?.state ?? 'succeeded') !== 'succeeded');
  await read([...new Set(sent.flatMap(({ after }) => after))].filter((id) => !back.has(id)));
  const held: Held[] = [];
  for (const { id, after } of sent) {
    let before = unsucceeded(after);
    const passed = new Set<string>(); // A file may name jobs in a circle.
    for (let next = before; next !== undefined && !passed.has(next);) {
      before = next;
      passed.add(next);
      const record = records.get(next);
      const earlier = record !== undefined && hasFailedForOthers(record) ? linksOf(record, false).after : [];
      await read(earlier.filter((one) => !back.has(one) && !records.has(one)));
      next = unsucceeded(earlier);
    }
    const state = before === undefined ? undefined : records.get(before)?.outcome?.state;
    if (before !== undefined && state !== undefined) held.push({ id, before, state });
  }
  return held;
}

/** A sentence. */
export function heldText({ id, before, state }: Held): string {
  return `Job ${id} runs after job ${before}, which is ${state}: send that back first, \`fsq retry ${before}\`, or it fails again.`;
}

function maySendBack(state: string | undefined): boolean {
  return SENT_BACK_FROM.some((known) => known === state);
}

function hasFailedForOthers({ outcome }: JobRecord): boolean {
  return outcome?.state === 'failed' && outcome.error.code === 'FSQ_PREDECESSOR';
}

function linksOf({ job: { task, options } }: JobRecord, mayGo: boolean): Omit<Linked, 'id'> {
  const after = options.takes === 'error' ? [] : idsAfter(options);
  return { task, after, next: mayGo ? (options.next ?? []) : [] };
}

/** Of those that have ended. What cannot be read names no other; why it cannot, whoever sends it back is told. */
async function recordsOf(
  broker: Pick<Broker, 'outcome'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, JobRecord>> {
  const found = new Map<string, JobRecord>();
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const some = ids.slice(from, from + READ_AT_ONCE);
    const records = await Promise.all(some.map((id) => broker.outcome(id).catch(() => null)));
    for (const [i, id] of some.entries()) {
      const record = records[i] ?? null;
      if (record !== null) found.set(id, record);
    }
  }
  return found;
}
