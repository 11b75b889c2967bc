/** What failed, grouped by task, error and message without its numbers and ids: the most first. */
import type { JSX } from 'preact';
import type { FailureGroup, FailureGroups, JobQuery } from '../../src/ui/wire.ts';
import { type Question, useConfirm } from '../parts/dialog.tsx';
import { Empty, Loading, Panel, Refusal, Table } from '../parts/panel.tsx';
import { Name } from '../parts/text.tsx';
import { Age } from '../parts/time.tsx';
import { ACTS } from '../plain/acts.ts';
import { count, plural, shortCount } from '../plain/format.ts';
import { cutText, visible } from '../plain/marks.ts';
import { fragmentOf, jobAt, jobsAt, paramsOf, withPart } from '../plain/place.ts';
import { usePage } from '../server/context.ts';
import { useLook } from '../server/look.ts';
import { FilterBar } from './jobs/filter-bar.tsx';

const COLUMNS = [
  { name: 'Jobs', isNumber: true },
  { name: 'What failed' },
  { name: 'First', isNumber: true, class: 'wide' },
  { name: 'Last', isNumber: true },
  { name: 'Example', class: 'wide' },
];

export function Failures({ query }: { readonly query: JobQuery }): JSX.Element {
  const { live, session, go } = usePage();
  const search = paramsOf(query).toString();
  const { data, refusal, isLoading } = useLook<FailureGroups>(
    `api/failures${search === '' ? '' : `?${search}`}`,
    live.hints,
  );
  const { ask, dialog } = useConfirm();
  const columns = session.isReadOnly ? COLUMNS : [...COLUMNS, { name: 'Acts', isUnseen: true }];
  return (
    <>
      <h1>Failures</h1>
      <FilterBar
        query={query}
        isOfFailures
        onChange={(to, isSmall) => go({ screen: 'failures', query: to }, isSmall)}
      />
      {refusal !== null && <Refusal text={refusal.text} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && data.groups.length === 0 && (
        <section class="panel" aria-label="Failures">
          <NoFailure isFiltered={search !== ''} isComplete={data.isComplete} />
        </section>
      )}
      {data !== null && data.groups.length > 0 && (
        <Panel title={plural(data.groups.length + data.leftOut, 'kind of failure', 'kinds of failures')}>
          {data.leftOut > 0 && <p class="note">The {count(data.groups.length)} with the most jobs are shown.</p>}
          {!data.isComplete && <p class="note">Not all jobs are read yet: the figures grow.</p>}
          <Table caption="Failures, the most first" columns={columns} class="failures" isOld={isLoading}>
            {data.groups.map((group) => (
              <Row key={group.key} group={group} query={query} ask={ask} />
            ))}
          </Table>
        </Panel>
      )}
      {dialog}
    </>
  );
}

function NoFailure({
  isFiltered,
  isComplete,
}: {
  readonly isFiltered: boolean;
  readonly isComplete: boolean;
}): JSX.Element {
  if (!isComplete) return <Empty title="No failure is found so far; not all jobs are read yet." />;
  if (isFiltered) {
    return (
      <Empty title="No failure matches this filter.">
        <a href={fragmentOf({ screen: 'failures', query: {} })}>Show all failures</a>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has failed.">
      <p class="dim">
        Jobs whose last attempt failed stand here, until they are sent back or their time to live is over.
      </p>
    </Empty>
  );
}

interface RowProps {
  readonly group: FailureGroup;
  readonly query: JobQuery;
  readonly ask: (question: Question) => void;
}

function Row({ group, query, ask }: RowProps): JSX.Element {
  const members = withPart(withPart(query, 'group', group.key), 'states', ['failed']);
  return (
    <tr data-row>
      <td class="number big" title={plural(group.count, 'job')}>
        {shortCount(group.count)}
      </td>
      <th scope="row" class="what">
        <a href={jobsAt(members)} title={visible(`${group.error}: ${group.message}`)}>
          <Name text={group.task} />
        </a>
        <div class="second failed">
          <strong>
            <Name text={group.error} />
          </strong>{' '}
          <Name text={group.message} />
        </div>
        {group.roots.length > 0 && (
          <div class="second">
            caused by <Name text={group.roots.join(' · ')} />
          </div>
        )}
      </th>
      <td class="number wide">
        <Age atMs={group.firstAtMs} />
      </td>
      <td class="number" data-label="last">
        <Age atMs={group.lastAtMs} />
      </td>
      <td class="wide">
        <a href={jobAt(group.exampleId)} aria-label={`An example of ${visible(group.task)}`}>
          example
        </a>
      </td>
      <Acts group={group} members={members} ask={ask} />
    </tr>
  );
}

function Acts({
  group,
  members,
  ask,
}: {
  group: FailureGroup;
  members: JobQuery;
  ask: RowProps['ask'];
}): JSX.Element | null {
  const { session, run } = usePage();
  if (session.isReadOnly) return null;
  const button = (kind: 'retry' | 'forget'): JSX.Element => {
    const { verb, means, isDanger } = ACTS[kind];
    const question: Question = {
      title: `${verb} ${plural(group.count, 'failed job')}`,
      body: (
        <>
          <p>
            All of{' '}
            <strong>
              <Name text={group.task} />
            </strong>{' '}
            with <Name text={cutText(`${group.error}: ${group.message}`, 200).text} />
          </p>
          <p>{means}</p>
        </>
      ),
      verb: `${verb} ${count(group.count)}`,
      isDanger,
      typed: group.count > 1 ? group.count : null,
      act: () => void run({ kind, query: members, count: group.count }),
    };
    return (
      <button
        type="button"
        class="small"
        aria-label={`${verb} ${count(group.count)} of ${visible(group.task)}`}
        onClick={() => ask(question)}
      >
        {verb}
      </button>
    );
  };
  return (
    <td class="act">
      {button('retry')}
      {button('forget')}
    </td>
  );
}
