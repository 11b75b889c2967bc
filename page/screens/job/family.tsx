/** The chain, group or chord that a job belongs to, as an indented list. */
import type { JSX } from 'preact';
import type { FamilyMember } from '../../../src/ui/wire.ts';
import { Panel } from '../../parts/panel.tsx';
import { State } from '../../parts/state.tsx';
import { Name } from '../../parts/text.tsx';
import { plural } from '../../plain/format.ts';
import { jobAt } from '../../plain/place.ts';
import { shortId } from '../jobs/job-table.tsx';

/** Deeper ones are indented as much as this. */
const DEEPEST = 8;

export function Family({ family }: { readonly family: readonly FamilyMember[] }): JSX.Element {
  return (
    <Panel title="Goes together" aside={<span class="dim">{plural(family.length, 'job')}</span>}>
      <ul class="family">
        {family.map((member, i) => (
          <li
            key={`${member.id} ${i}`}
            class={member.isThis ? 'this' : ''}
            style={{ marginLeft: `${Math.min(member.depth, DEEPEST) * 16}px` }}
          >
            {member.isThis ? (
              <strong aria-current="true">
                <Name text={member.task ?? shortId(member.id)} />
              </strong>
            ) : (
              <a href={jobAt(member.id)}>
                <Name text={member.task ?? shortId(member.id)} />
              </a>
            )}
            {member.state === null ? <span class="dim">there no more</span> : <State state={member.state} />}
            {member.depth > DEEPEST && <span class="dim">level {member.depth + 1}</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
