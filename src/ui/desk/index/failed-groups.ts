/** Jobs that failed, counted by the kind of their failure. Pure. */
import type { FailureGroup, FailureGroups } from '../../wire.ts';
import type { FailureKind } from './failure-kinds.ts';
import type { IndexRow } from './index-row.ts';
import type { JobIndex } from './job-index.ts';

/** So many groups are told, those with the most jobs. */
const MOST_GROUPS = 200;

/** @param isMatch of the jobs that are counted, whatever it says of their states */
export function failedGroups(index: JobIndex, isMatch: (row: IndexRow) => boolean): FailureGroups {
  const groups = new Map<FailureKind, OpenGroup>();
  for (const row of index.rows()) {
    const { failure } = row;
    if (failure === null || row.state !== 'failed' || !isMatch(row)) continue;
    const group = groups.get(failure);
    if (group === undefined) groups.set(failure, openGroup(failure, row));
    else add(group, row);
  }
  const sorted = [...groups.values()].toSorted((a, b) => b.count - a.count || (b.lastAtMs ?? 0) - (a.lastAtMs ?? 0));
  const leftOut = Math.max(0, sorted.length - MOST_GROUPS);
  return { groups: sorted.slice(0, MOST_GROUPS), leftOut, isComplete: index.isComplete };
}

type OpenGroup = { -readonly [K in keyof FailureGroup]: FailureGroup[K] };

function openGroup({ key, task, error, message, roots }: FailureKind, { id, endedAtMs }: IndexRow): OpenGroup {
  return { key, task, error, message, roots, count: 1, firstAtMs: endedAtMs, lastAtMs: endedAtMs, exampleId: id };
}

/** The example is the one that failed last. */
function add(group: OpenGroup, { id, endedAtMs }: IndexRow): void {
  group.count++;
  if (endedAtMs === null) return;
  if (group.firstAtMs === null || endedAtMs < group.firstAtMs) group.firstAtMs = endedAtMs;
  if (group.lastAtMs !== null && endedAtMs <= group.lastAtMs) return;
  group.lastAtMs = endedAtMs;
  group.exampleId = id;
}
