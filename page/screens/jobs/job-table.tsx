/** A page of jobs. On a narrow screen only what they are and how they are stays. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JobRow } from '../../../src/ui/wire.ts';
import { Gauge } from '../../parts/spark.tsx';
import { State } from '../../parts/state.tsx';
import { Name } from '../../parts/text.tsx';
import { Age, Nothing, Since, Span } from '../../parts/time.tsx';
import { visible } from '../../plain/marks.ts';
import type { MarkedJobs } from '../../plain/marked-jobs.ts';
import { jobAt, jobsAt } from '../../plain/place.ts';
import { usePage } from '../../server/context.ts';

interface Props {
  readonly jobs: readonly JobRow[];
  readonly marks: MarkedJobs;
  readonly isOld: boolean;
  readonly onMark: (jobs: readonly JobRow[], isOn: boolean) => void;
}

export function JobTable({ jobs, marks, isOld, onMark }: Props): JSX.Element {
  const { isReadOnly } = usePage().session;
  // Drawn anew when jobs or marks have changed, and not with each summary.
  const rows = useMemo(
    () =>
      jobs.map((job) => (
        <Row
          key={job.id}
          job={job}
          isMarked={marks.states.has(job.id)}
          onMark={isReadOnly ? null : (isOn) => onMark([job], isOn)}
        />
      )),
    [jobs, marks],
  );
  const marked = jobs.filter((job) => marks.states.has(job.id)).length;
  return (
    <table class="jobs" aria-busy={isOld}>
      <caption class="unseen">Jobs, newest first</caption>
      <thead>
        <tr>
          {!isReadOnly && (
            <th scope="col" class="mark">
              <MarkAll marked={marked} all={jobs.length} onMark={(isOn) => onMark(jobs, isOn)} />
            </th>
          )}
          <th scope="col" class="how">
            State
          </th>
          <th scope="col">Job</th>
          <th scope="col" class="queue wide">
            Queue
          </th>
          <th scope="col" class="number wide try">
            Attempt
          </th>
          <th scope="col" class="number sent">
            Sent
          </th>
          <th scope="col" class="number took wide">
            Took
          </th>
        </tr>
      </thead>
      <tbody>{rows}</tbody>
    </table>
  );
}

function MarkAll({
  marked,
  all,
  onMark,
}: {
  marked: number;
  all: number;
  onMark: (isOn: boolean) => void;
}): JSX.Element {
  const box = useRef<HTMLInputElement>(null);
  const isSome = marked > 0 && marked < all;
  useEffect(() => {
    if (box.current !== null) box.current.indeterminate = isSome;
  }, [isSome]);
  return (
    <label>
      <input
        ref={box}
        type="checkbox"
        aria-label="Mark all on this page"
        checked={marked === all}
        onChange={(event) => onMark(event.currentTarget.checked)}
      />
      <span class="narrow">all on this page</span>
    </label>
  );
}

interface RowProps {
  readonly job: JobRow;
  readonly isMarked: boolean;
  /** Null: nothing can be done here, so nothing is marked. */
  readonly onMark: ((isOn: boolean) => void) | null;
}

function Row({ job, isMarked, onMark }: RowProps): JSX.Element {
  const name = job.task ?? 'unreadable';
  return (
    <tr data-row class={isMarked ? 'marked' : ''}>
      {onMark !== null && (
        <td class="mark">
          <input
            type="checkbox"
            aria-label={`Mark ${visible(name)} ${job.id}`}
            checked={isMarked}
            onChange={(event) => onMark(event.currentTarget.checked)}
          />
        </td>
      )}
      <td class="how">
        <State state={job.state} />
      </td>
      <th scope="row" class="what">
        <div class="first">
          <a href={jobAt(job.id)} title={visible(name)}>
            <Name text={name} />
          </a>
          <code class="id" title={job.id}>
            {shortId(job.id)}
          </code>
          {job.preview !== null && job.preview !== '' && (
            <code class="args" title={visible(job.preview)}>
              <Name text={job.preview} />
            </code>
          )}
        </div>
        <Second job={job} />
      </th>
      <td class="queue wide" title={visible(job.queue)}>
        <a class="dim" href={jobsAt({ queues: [job.queue] })}>
          <Name text={job.queue} />
        </a>
      </td>
      <td class="number wide try">{job.attempt > 0 ? job.attempt : <Nothing />}</td>
      <td class="number sent">
        <Age atMs={job.sentAtMs} />
      </td>
      <td class="number took wide">
        <Took job={job} />
      </td>
    </tr>
  );
}

/** What is most worth knowing of a job in its state. */
function Second({ job }: { readonly job: JobRow }): JSX.Element | null {
  const { state, error, root, progress, waitsFor, dueAtMs } = job;
  const failure = error === null || root === null ? error : `${error} · caused by ${root}`;
  const isOver = state === 'succeeded' || state === 'revoked' || state === 'expired' || state === 'failed';
  const parts = [
    state === 'running' && progress !== null && <Gauge key="progress" part={progress} label="Progress" />,
    waitsFor !== null && !isOver && (
      <span key="waits" class="dim">
        after {waitsFor.ended} of {waitsFor.jobs} jobs
      </span>
    ),
    state === 'delayed' && dueAtMs !== null && waitsFor === null && (
      <span key="due" class="dim">
        due <Age atMs={dueAtMs} />
      </span>
    ),
    failure !== null && state !== 'succeeded' && (
      <span key="error" class={isOver ? 'error' : 'error dim'} title={visible(failure)}>
        <Name text={failure} />
      </span>
    ),
  ].filter((part) => part !== false);
  return parts.length === 0 ? null : <div class="second">{parts}</div>;
}

function Took({ job }: { readonly job: JobRow }): JSX.Element {
  const { state, startedAtMs, tookMs } = job;
  return state === 'running' && startedAtMs !== null ? <Since atMs={startedAtMs} /> : <Span ms={tookMs} />;
}

/** Ids begin with the time, and end with chance: eight digits of it tell a thousand jobs apart. */
export function shortId(id: string): string {
  return id.length <= 18 ? id : `${id.slice(0, 8)}…${id.slice(-8)}`;
}
