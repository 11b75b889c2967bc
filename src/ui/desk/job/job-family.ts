/** The jobs that one belongs together with, because each comes after another: its chain, or its chord. */
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { idsAfter } from '../../../job/edges.ts';
import type { FamilyMember, JobDetail } from '../../wire.ts';
import { wordOf } from '../index/index-row.ts';
import type { JobIndex } from '../index/job-index.ts';

/** So many are shown, those nearest to the job. */
const MOST_MEMBERS = 500;
/** Each step away from the job is a look for all that are there: no more is looked for after this time, ms. */
const LOOK_MS = 300;

/** What is known of a member: null of one that is there no more, or was not looked for. */
type Members = ReadonlyMap<string, Sighting | null>;

/** Empty where the job comes after none and none comes after it. */
export async function familyOf(
  broker: Pick<Broker, 'changed'>,
  job: Sighting,
  index: JobIndex,
): Promise<Pick<JobDetail, 'family' | 'isFamilyWhole'>> {
  const { members, isWhole } = await membersAround(broker, job, index);
  return { family: members.size < 2 ? [] : treeOf(members, job.id), isFamilyWhole: isWhole };
}

async function membersAround(
  broker: Pick<Broker, 'changed'>,
  job: Sighting,
  index: JobIndex,
): Promise<{ readonly members: Members; readonly isWhole: boolean }> {
  const members = new Map<string, Sighting | null>([[job.id, job]]);
  const endAt = performance.now() + LOOK_MS;
  let isWhole = true;
  for (let wave: readonly Sighting[] = [job]; ;) {
    const ids = [...new Set(wave.flatMap(neighbours))].filter((id) => !members.has(id));
    const wanted = performance.now() < endAt ? ids.slice(0, MOST_MEMBERS - members.size) : [];
    isWhole &&= wanted.length === ids.length;
    if (wanted.length === 0) return { members, isWhole };
    const seen = await broker.changed(new Map(wanted.map((id) => [id, null])), (id) => index.whereWas(id));
    for (const id of wanted) members.set(id, seen.get(id)?.sighting ?? null);
    wave = wanted.flatMap((id) => seen.get(id)?.sighting ?? []);
  }
}

function neighbours(job: Sighting): readonly string[] {
  return [...before(job), ...(job.record?.job.options.next ?? [])];
}

function before({ record }: Sighting): readonly string[] {
  return record === null ? [] : idsAfter(record.job.options);
}

/**
 * Each member behind all that it comes after, and one step further in than the last of them. Pure.
 *
 * @param id of the job whose family it is
 */
export function treeOf(members: Members, id: string): readonly FamilyMember[] {
  const ids = [...members.keys()].sort();
  const needs = new Map(
    ids.map((one) => {
      const job = members.get(one) ?? null;
      return [one, job === null ? [] : before(job).filter((other) => members.has(other))];
    }),
  );
  const followers = new Map<string, string[]>();
  for (const [one, others] of needs)
    for (const other of others) followers.set(other, [...(followers.get(other) ?? []), one]);
  const depths = new Map<string, number>();
  const tree: FamilyMember[] = [];
  // The last that was put there comes next: so a chain stands together.
  const next = ids.filter((one) => needs.get(one)?.length === 0).reverse();
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    if (depths.has(one)) continue;
    const depth = Math.max(-1, ...(needs.get(one) ?? []).map((other) => depths.get(other) ?? 0)) + 1;
    depths.set(one, depth);
    tree.push(memberOf(one, depth, members.get(one) ?? null, id));
    const isReady = (follower: string): boolean => (needs.get(follower) ?? []).every((other) => depths.has(other));
    next.push(...(followers.get(one) ?? []).filter(isReady).reverse());
  }
  // Those of a circle come after one another: none of them is ever ready.
  return [
    ...tree,
    ...ids.filter((one) => !depths.has(one)).map((one) => memberOf(one, 0, members.get(one) ?? null, id)),
  ];
}

function memberOf(id: string, depth: number, job: Sighting | null, thisId: string): FamilyMember {
  return {
    id,
    depth,
    task: job?.record?.job.task ?? null,
    state: job === null ? null : wordOf(job),
    isThis: id === thisId,
  };
}
