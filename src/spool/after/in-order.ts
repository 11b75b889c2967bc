/**
 * The order in which jobs of one call get their places: those that come after others of the call come behind these, and wait in delayed/
 * from the start. A job that is found before the one it comes after would fail for that.
 */
import type { NewJob } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';

/** A job that comes after another of its call. */
export interface Placed extends NewJob {
  readonly isFollower?: true;
}

/** The same jobs, in that order; the same list where none comes after another of it. Those in a circle keep their order. */
export function inOrder(jobs: readonly NewJob[]): readonly Placed[] {
  if (jobs.length === 1 || jobs.every(({ job }) => job.options.after === undefined)) return jobs;
  const byId = new Map(jobs.map((each) => [each.job.id, each]));
  const placed = new Set<string>();
  const ordered: Placed[] = [];
  for (const first of jobs) {
    // As far as each has come through its predecessors. A recursion would be as deep as a chain is long.
    const way: { readonly each: NewJob; next: number }[] = [{ each: first, next: 0 }];
    const entered = new Set([first.job.id]);
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const before = placed.has(at.each.job.id) ? undefined : idsAfter(at.each.job.options)[at.next++];
      const other = before === undefined ? undefined : byId.get(before);
      if (other !== undefined && !placed.has(other.job.id) && !entered.has(other.job.id)) {
        entered.add(other.job.id);
        way.push({ each: other, next: 0 });
      } else if (before === undefined) {
        way.pop();
        if (!placed.has(at.each.job.id)) ordered.push(asPlaced(at.each, byId));
        placed.add(at.each.job.id);
      }
    }
  }
  return ordered;
}

function asPlaced(each: NewJob, byId: ReadonlyMap<string, NewJob>): Placed {
  const { id, options } = each.job;
  const isFollower = idsAfter(options).some((other) => other !== id && byId.has(other));
  return isFollower ? { ...each, isFollower } : each;
}
