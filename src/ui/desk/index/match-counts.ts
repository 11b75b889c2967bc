/** How many jobs match a filter, in all and in each state. Pure. */
import type { JobPage, StateName } from '../../wire.ts';
import type { TextFinds } from './found-texts.ts';
import type { JobIndex } from './job-index.ts';
import type { RowMatcher } from './row-matcher.ts';
import { noJobs, type StateCounts } from './tallies.ts';

type Counts = Pick<JobPage, 'total' | 'states'>;

/** @param finds of the text that is looked for; null: none is */
export function countsOf(index: JobIndex, matcher: RowMatcher, finds: TextFinds | null): Counts {
  if (matcher.asksForStatesAlone) {
    const { states } = index.tallies;
    return { total: totalOf(states, matcher), states: { ...states } };
  }
  const states = noJobs();
  let isAll = true;
  for (const row of index.rows()) {
    if (!matcher.isMatchInAnyState(row)) continue;
    const isFound = finds === null ? true : finds.get(row.id);
    if (isFound === true) states[row.state]++;
    if (isFound !== undefined) continue;
    isAll = false;
    if (matcher.isOfState(row.state)) return { total: null, states: null };
  }
  return { total: totalOf(states, matcher), states: isAll ? states : null };
}

function totalOf(states: StateCounts, { isOfState }: RowMatcher): number {
  return (Object.entries(states) as [StateName, number][])
    .filter(([state]) => isOfState(state))
    .reduce((sum, [, count]) => sum + count, 0);
}
