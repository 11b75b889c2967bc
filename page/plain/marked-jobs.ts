/** Jobs that somebody has marked. Pure: each change gives a new set. They belong to one filter: another filter has none. */
import type { StateName } from '../../src/ui/wire.ts';

export interface MarkedJobs {
  /** The filter, as its query. */
  readonly filter: string;
  /** Of each the state that it had when it was last seen. */
  readonly states: ReadonlyMap<string, StateName>;
}

/** The server takes so many in one act. */
export const MOST_MARKS = 1_000;

export function marksOf(before: MarkedJobs, filter: string): MarkedJobs {
  return before.filter === filter ? before : { filter, states: new Map() };
}

export function withMark(
  marks: MarkedJobs,
  jobs: readonly { id: string; state: StateName }[],
  isOn: boolean,
): MarkedJobs {
  const states = new Map(marks.states);
  for (const { id, state } of jobs) {
    if (!isOn) states.delete(id);
    else if (states.size < MOST_MARKS) states.set(id, state);
  }
  return { ...marks, states };
}

/** Without those. */
export function withoutMarks(marks: MarkedJobs, ids: readonly string[]): MarkedJobs {
  const gone = new Set(ids);
  return { ...marks, states: new Map([...marks.states].filter(([id]) => !gone.has(id))) };
}

/** So many are named before something is done with them. */
const MOST_NAMED = 5;

export interface NamedMarks {
  readonly ids: readonly string[];
  /** More than these. */
  readonly others: number;
  /** Of all, how many are not on the page that is shown. */
  readonly elsewhere: number;
}

/** Which jobs are marked, for a question before an act: one may have marked some on another page. */
export function namedMarks({ states }: MarkedJobs, jobs: readonly { id: string }[]): NamedMarks {
  const all = [...states.keys()];
  const here = new Set(jobs.map(({ id }) => id));
  const elsewhere = all.filter((id) => !here.has(id)).length;
  return { ids: all.slice(0, MOST_NAMED), others: Math.max(0, all.length - MOST_NAMED), elsewhere };
}

/** Marked jobs are seen again in another state. */
export function seenAgain(marks: MarkedJobs, jobs: readonly { id: string; state: StateName }[]): MarkedJobs {
  const changed = jobs.filter(({ id, state }) => marks.states.has(id) && marks.states.get(id) !== state);
  return changed.length === 0 ? marks : withMark(marks, changed, true);
}
