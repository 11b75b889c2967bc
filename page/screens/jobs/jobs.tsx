/** Jobs that match a filter, newest first, a hundred at a time; what is done is done to marked ones, or to all that match. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { JobPage, JobQuery, JobRow } from '../../../src/ui/wire.ts';
import { Icon } from '../../parts/icon.tsx';
import { Empty, Loading, Refusal } from '../../parts/panel.tsx';
import { Command } from '../../parts/text.tsx';
import { plural } from '../../plain/format.ts';
import { type MarkedJobs, marksOf, seenAgain, withMark } from '../../plain/marked-jobs.ts';
import { fragmentOf, hasParts, jobsAt, paramsOf } from '../../plain/place.ts';
import { usePage } from '../../server/context.ts';
import { useLook } from '../../server/look.ts';
import { Bulk } from './bulk.tsx';
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

/**
 * Where the page begins that is shown: where the address says, or further back. A text is looked for in so many jobs at a time, and while none has
 * it the look goes on by itself.
 */
function useFrom(asked: string, before: string | null): [string | null, (from: string) => void] {
  const [gone, setGone] = useState({ asked, from: before });
  return [gone.asked === asked ? gone.from : before, (from) => setGone({ asked, from })];
}

export function Jobs({ query, before }: { readonly query: JobQuery; readonly before: string | null }): JSX.Element {
  const { live, session, go } = usePage();
  const params = paramsOf(query);
  const filter = params.toString();
  const [from, setFrom] = useFrom(`${filter} ${before}`, before);
  if (from !== null) params.set('before', from);
  const { data, refusal, isLoading } = useLook<JobPage>(`api/jobs?${params.toString()}`, live.hints);
  useEffect(() => {
    if (!isLoading && data !== null && data.jobs.length === 0 && data.next !== null) setFrom(data.next);
  }, [data, isLoading]);
  const [marks, setMarks] = useMarks(filter, data?.jobs ?? []);
  useEffect(() => {
    if (before !== null) scrollTo(0, 0);
  }, [before]);

  const change = (to: JobQuery, isSmall: boolean): void => go({ screen: 'jobs', query: to, before: null }, isSmall);
  return (
    <>
      <h1>Jobs</h1>
      <FilterBar query={query} onChange={change} />
      {refusal !== null && <Refusal text={refusal.text} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && (
        <section class="panel list" aria-label="Jobs that match">
          <header>
            <Total page={data} isLoading={isLoading} />
            {!session.isReadOnly && (
              <Bulk query={query} page={data} marks={marks} onClear={() => setMarks({ filter, states: new Map() })} />
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
          <Paging query={query} before={before} next={data.jobs.length === 0 ? null : data.next} />
        </section>
      )}
    </>
  );
}

function Total({ page, isLoading }: { readonly page: JobPage; readonly isLoading: boolean }): JSX.Element {
  const text = page.total === null ? `${plural(page.jobs.length, 'job')} on this page` : plural(page.total, 'job');
  return (
    <h2 class="total">
      {text}
      {!page.isComplete && <span class="dim"> so far, not all are read yet</span>}
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
        Send one: <Command command="fsq call TASK" />, or <code>await task.delay(…)</code> in a program.
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
