/** The chain or chord that a job belongs to, as an indented list. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { FamilyMember, JobDetail } from '../../../src/ui/wire.ts';
import { Panel } from '../../parts/panel.tsx';
import { State } from '../../parts/state.tsx';
import { Name } from '../../parts/text.tsx';
import { count, plural } from '../../plain/format.ts';
import { jobAt, STATES } from '../../plain/place.ts';
import { shortId } from '../jobs/job-table.tsx';

/** Deeper ones are indented as much as this. */
const DEEPEST = 8;

export function Family({ job: { family, isFamilyWhole } }: { readonly job: JobDetail }): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const mine = list.current?.querySelector<HTMLElement>('.this');
    if (mine) list.current?.scrollTo({ top: mine.offsetTop - list.current.clientHeight / 2 });
  }, []);
  return (
    <Panel title="Goes together" aside={<span class="dim">{inShort(family, isFamilyWhole)}</span>}>
      {!isFamilyWhole && <p class="dim">Those nearest to this job are shown; there are more.</p>}
      <ul class="family" ref={list} tabIndex={0} aria-label="Jobs that go together">
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

/** `502 jobs: 480 succeeded, 22 pending`; of a part of them `of these 502 jobs`. */
function inShort(family: readonly FamilyMember[], isWhole: boolean): string {
  const parts = STATES.flatMap((state) => {
    const many = family.filter((member) => member.state === state).length;
    return many === 0 ? [] : [`${count(many)} ${state}`];
  });
  const jobs = plural(family.length, 'job');
  return [isWhole ? jobs : `of these ${jobs}`, parts.join(', ')].filter((part) => part !== '').join(': ');
}
