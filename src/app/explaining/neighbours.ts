/** The jobs that one comes after, and those that come after it: the row that it is part of, and the failure at the beginning of a row of failures. */
import type { Broker, Sighting } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';
import type { Failure } from '../../job/errors.ts';

/** Of very many neighbours so many are looked at, and of a long row so many to each side. */
const MOST_LOOKED_AT = 200;
const LONGEST_WAY = 20;

export interface Neighbour {
  readonly id: string;
  /** Null where its file is gone, or cannot be read. */
  readonly task: string | null;
  /** `unknown`: it is nowhere, because its outcome is forgotten or it was never sent. */
  readonly state: Sighting['state'] | 'unknown';
}

export interface Neighbours {
  /** Those that it comes after, in its order, the first so many; and how many there are. */
  readonly after: readonly Neighbour[];
  readonly afterCount: number;
  readonly next: readonly Neighbour[];
  readonly nextCount: number;
  /** The row of single jobs that it is part of, itself among them, the first to run first; empty where it comes after none and none after it. */
  readonly row: readonly Neighbour[];
  /** Of a job that was not run because of others: the one that failed by itself, as far as its outcome is kept. */
  readonly root: (Neighbour & { readonly error: Failure }) | null;
}

type Source = Pick<Broker, 'changed'>;

/** A look for each step away from the job. */
export async function neighboursOf(broker: Source, job: Sighting): Promise<Neighbours> {
  const [afterIds, nextIds] = [before(job), following(job)];
  const seen = await look(broker, [...afterIds.slice(0, MOST_LOOKED_AT), ...nextIds.slice(0, MOST_LOOKED_AT)]);
  const told = (ids: readonly string[]): readonly Neighbour[] =>
    ids.slice(0, MOST_LOOKED_AT).map((id) => neighbour(id, seen.get(id)));
  const [up, down] = [await walk(broker, job, before, seen), await walk(broker, job, following, seen)];
  const row = up.length + down.length === 0 ? [] : [...up.toReversed(), neighbour(job.id, job), ...down];
  return {
    after: told(afterIds),
    afterCount: afterIds.length,
    next: told(nextIds),
    nextCount: nextIds.length,
    row,
    root: await rootOf(broker, job),
  };
}

function before({ record }: Sighting): readonly string[] {
  return record === null ? [] : idsAfter(record.job.options);
}

function following({ record }: Sighting): readonly string[] {
  return record?.job.options.next ?? [];
}

async function look(broker: Source, ids: readonly string[]): Promise<ReadonlyMap<string, Sighting>> {
  if (ids.length === 0) return new Map();
  const found = await broker.changed(new Map(ids.map((id) => [id, null])));
  return new Map([...found].map(([id, { sighting }]) => [id, sighting]));
}

function neighbour(id: string, seen: Sighting | undefined): Neighbour {
  return { id, task: seen?.record?.job.task ?? null, state: seen?.state ?? 'unknown' };
}

/** Goes on as long as there is one and no more. */
async function walk(
  broker: Source,
  from: Sighting,
  step: (job: Sighting) => readonly string[],
  known: ReadonlyMap<string, Sighting>,
): Promise<readonly Neighbour[]> {
  const way: Neighbour[] = [];
  const passed = new Set([from.id]);
  for (let at: Sighting | undefined = from; at !== undefined && way.length < LONGEST_WAY;) {
    const [id, ...others] = step(at);
    if (id === undefined || others.length > 0 || passed.has(id)) break;
    passed.add(id);
    at = known.get(id) ?? (await look(broker, [id])).get(id);
    way.push(neighbour(id, at));
  }
  return way;
}

/** From failure to failure, back to one that has another cause. */
export async function rootOf(broker: Source, job: Sighting): Promise<Neighbours['root']> {
  const passed = new Set([job.id]);
  for (let at = job; errorOf(at)?.code === 'FSQ_PREDECESSOR' && passed.size <= LONGEST_WAY;) {
    const others = await look(broker, before(at).slice(0, MOST_LOOKED_AT));
    const failed = before(at)
      .flatMap((id) => others.get(id) ?? [])
      .find((other) => errorOf(other) !== null);
    const error = failed === undefined ? null : errorOf(failed);
    if (failed === undefined || error === null || passed.has(failed.id)) return null;
    if (error.code !== 'FSQ_PREDECESSOR') return { ...neighbour(failed.id, failed), error };
    passed.add(failed.id);
    at = failed;
  }
  return null;
}

function errorOf({ record }: Sighting): Failure | null {
  const outcome = record?.outcome ?? null;
  return outcome === null || outcome.state === 'succeeded' ? null : outcome.error;
}
