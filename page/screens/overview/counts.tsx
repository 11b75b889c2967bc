/** Jobs by state; each leads to its jobs. */
import type { JSX } from 'preact';
import type { StateName } from '../../../src/ui/wire.ts';
import { State } from '../../parts/state.tsx';
import { count, countSoFar } from '../../plain/format.ts';
import { jobsAt, STATES } from '../../plain/place.ts';

interface Props {
  readonly counts: Readonly<Record<StateName, number>>;
  /** All jobs are read. */
  readonly isComplete: boolean;
}

export function Counts({ counts, isComplete }: Props): JSX.Element {
  return (
    <ul class="counts" aria-label="Jobs by state">
      {STATES.map((state) => (
        <li key={state}>
          <a
            href={jobsAt({ states: [state] })}
            class={counts[state] === 0 ? 'zero' : ''}
            title={`${count(counts[state])} ${state}${isComplete ? '' : ', of the jobs that are read so far'}`}
          >
            <State state={state} />
            <span class="big number">{countSoFar(counts[state], state, isComplete)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
