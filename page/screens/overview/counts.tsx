/** Jobs by state; each leads to its jobs. */
import type { JSX } from 'preact';
import type { StateName } from '../../../src/ui/wire.ts';
import { State } from '../../parts/state.tsx';
import { count, shortCount } from '../../plain/format.ts';
import { jobsAt, STATES } from '../../plain/place.ts';

export function Counts({ counts }: { readonly counts: Readonly<Record<StateName, number>> }): JSX.Element {
  return (
    <ul class="counts" aria-label="Jobs by state">
      {STATES.map((state) => (
        <li key={state}>
          <a
            href={jobsAt({ states: [state] })}
            class={counts[state] === 0 ? 'zero' : ''}
            title={`${count(counts[state])} ${state}`}
          >
            <State state={state} />
            <span class="big number">{shortCount(counts[state])}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
