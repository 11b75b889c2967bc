/** Jobs that match a filter, newest first, a hundred at a time; what is done is done to marked ones, or to all that match. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JobPage, JobQuery, JobRow } from '../../../src/ui/wire.ts';
import { Icon } from '../../parts/icon.tsx';
import { Empty, Loading, Refusal } from '../../parts/panel.tsx';
import { PlaceCommand } from '../../parts/text.tsx';
import { count, plural } from '../../plain/format.ts';
import { type MarkedJobs, marksOf, seenAgain, withMark, withoutMarks } from '../../plain/marked-jobs.ts';
import { fragmentOf, hasParts, jobsAt, paramsOf, withPart } from '../../plain/place.ts';
import { usePage } from '../../server/context.ts';
import { type Look, useLook } from '../../server/look.ts';
import { Bulk, useTotal } from './bulk.tsx';
import { FilterBar } from './filter-bar.tsx';
import { JobTable } from './job-table.tsx';

/** Kept while one looks at a single job, and comes back. */
let kept: MarkedJobs = { filter: '', states: new Map() };

function useMarks(filter: string, jobs: readonly JobRow[]): [MarkedJobs, (marks: MarkedJobs) => void] {
  const [, draw] = useState({});
  kept = seenAgain(marksOf(kept, filter), jobs);
  const set = (marks: MarkedJobs): void => {
    kept = marks;
    draw({});
  };
  return [kept, set];
}

/** A text is looked for in so many jobs in one answer: until all are read, or the page is full, the next look goes on. */
function isSearching({ isComplete, search }: JobPage): boolean {
  return !isComplete && search !== null && search.read < search.of;
}

/** How many jobs are in each state with this filter; null while that is not known. A choice of states does not change it. */
function useStateCounts(query: JobQuery, { data, isLoading }: Look<JobPage>): JobPage['states'] {
  const filter = paramsOf(withPart(query, 'states', [])).toString();
  const last = useRef<{ readonly filter: string; readonly states: JobPage['states'] }>({ filter: '', states: null });
  if (!isLoading && data !== null && data.states !== null) last.current = { filter, states: data.states };
  return last.current.filter === filter ? last.current.states : null;
}

export function Jobs({ query, before }: { readonly query: JobQuery; readonly before: string | null }): JSX.Element {
  const { live, session, go } = usePage();
  const params = paramsOf(query);
  const filter = params.toString();
  if (before !== null) params.set('before', before);
  const look = useLook<JobPage>(`api/jobs?${params.toString()}`, live.hints, isSearching);
  const { data, refusal, isLoading } = look;
  const counted = useTotal(query, isLoading ? null : (data?.total ?? null));
  const states = useStateCounts(query, look);
  const [marks, setMarks] = useMarks(filter, data?.jobs ?? []);
  useEffect(() => {
    if (before !== null) scrollTo(0, 0);
  }, [before]);

  const change = (to: JobQuery, isSmall: boolean): void => go({ screen: 'jobs', query: to, before: null }, isSmall);
  return (
    <>
      <h1>Jobs</h1>
      <FilterBar query={query} states={states} onChange={change} />
      {refusal !== null && <Refusal text={refusal.text} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && (
        <section class="panel list" aria-label="Jobs that match">
          <header>
            <Total page={data} total={counted.total} isFirst={before === null} isLoading={isLoading} />
            {!session.isReadOnly && (
              <Bulk
                query={query}
                page={data}
                counted={counted}
                marks={marks}
                onClear={() => setMarks({ filter, states: new Map() })}
                onDone={(ids) => setMarks(withoutMarks(kept, ids))}
              />
            )}
          </header>
          {data.jobs.length === 0 ? (
            <NoJob query={query} page={data} isLater={before !== null} />
          ) : (
            <JobTable
              jobs={data.jobs}
              marks={marks}
              isOld={isLoading}
              onMark={(jobs, isOn) => setMarks(withMark(marks, jobs, isOn))}
            />
          )}
          <Paging query={query} before={before} next={isSearching(data) ? null : data.next} />
        </section>
      )}
    </>
  );
}

interface TotalProps {
  readonly page: JobPage;
  /** Null: nobody knows yet. */
  readonly total: number | null;
  /** It begins with the job that was sent last. */
  readonly isFirst: boolean;
  readonly isLoading: boolean;
}

function Total({ page, total, isFirst, isLoading }: TotalProps): JSX.Element {
  const here = page.jobs.length;
  const { search } = page;
  const isReading = isSearching(page);
  const isAll = page.isComplete && isFirst && page.next === null && total === here && here > 0;
  const text = total === null ? `${plural(here, 'job')} on this page` : plural(total, 'job');
  return (
    <h2 class="total">
      {text}
      {search !== null && isAll && <span class="dim">, that is all</span>}
      {search !== null && isReading && (
        <span class="dim">
          {' '}
          so far: {count(search.read)} of {plural(search.of, 'job')} read
        </span>
      )}
      {!page.isComplete && !isReading && <span class="dim"> so far, not all are read yet</span>}
      {isLoading && <span class="dim"> · looking…</span>}
    </h2>
  );
}

function NoJob({ query, page, isLater }: { query: JobQuery; page: JobPage; isLater: boolean }): JSX.Element {
  if (!page.isComplete) {
    return (
      <Empty title="Nothing matches among the jobs that are read so far.">
        <p class="dim">The rest is being read.</p>
      </Empty>
    );
  }
  if (isLater) return <Empty title="No older job matches." />;
  if (hasParts(query)) {
    return (
      <Empty title="No job matches this filter.">
        <p>
          <a href={jobsAt({})}>Show all jobs</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="There is no job yet.">
      <p>
        Send one: <PlaceCommand command="fsq call TASK" />, or <code>await task.delay(…)</code> in a program.
      </p>
      <p class="dim">Jobs that have ended stay here until their time to live is over, a day by default.</p>
    </Empty>
  );
}

function Paging({
  query,
  before,
  next,
}: {
  query: JobQuery;
  before: string | null;
  next: string | null;
}): JSX.Element | null {
  if (before === null && next === null) return null;
  return (
    <nav class="paging" aria-label="Pages">
      {before !== null && (
        <a href={jobsAt(query)}>
          <Icon name="left" /> Newest
        </a>
      )}
      {next !== null && (
        <a class="older" href={fragmentOf({ screen: 'jobs', query, before: next })}>
          Older <Icon name="right" />
        </a>
      )}
    </nav>
  );
}
