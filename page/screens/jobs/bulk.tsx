/** What can be done with the marked jobs, or with all that match, which asks for their number first. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { JobPage, JobQuery } from '../../../src/ui/wire.ts';
import { useConfirm } from '../../parts/dialog.tsx';
import { ACTS, actsFor, actsForAll, type JobAct } from '../../plain/acts.ts';
import { count, plural } from '../../plain/format.ts';
import { type MarkedJobs, MOST_MARKS, namedMarks } from '../../plain/marked-jobs.ts';
import { hasParts, paramsOf } from '../../plain/place.ts';
import { get } from '../../server/api.ts';
import { usePage } from '../../server/context.ts';
import { FilterWords } from './filter-words.tsx';
import { shortId } from './job-table.tsx';

interface Props {
  readonly query: JobQuery;
  readonly page: JobPage;
  readonly counted: Total;
  readonly marks: MarkedJobs;
  readonly onClear: () => void;
  /** Something was done with these. Others may have been marked meanwhile, or another filter chosen. */
  readonly onDone: (ids: readonly string[]) => void;
}

export function Bulk({ query, page, counted, marks, onClear, onDone }: Props): JSX.Element {
  const { run } = usePage();
  const { ask, dialog } = useConfirm();
  const { total, isCounting, countAll } = counted;
  const many = marks.states.size;

  const onMarked = (kind: JobAct): void => {
    const act = async (): Promise<void> => {
      const ids = [...marks.states.keys()];
      const { isGood } = await run({ kind, ids });
      if (isGood) onDone(ids); // What comes next is for jobs that are marked for it.
    };
    const { verb, means, isDanger } = ACTS[kind];
    if (!isDanger) return void act();
    const title = `${verb} ${plural(many, 'marked job')}`;
    ask({
      title,
      body: <MarkedOnes means={means} marks={marks} page={page} />,
      verb,
      isDanger,
      typed: null,
      act: () => void act(),
    });
  };
  const onAll = (kind: JobAct, total: number): void => {
    const { verb, means, isDanger } = ACTS[kind];
    const body = (
      <>
        <FilterWords query={query} />
        <p>{means}</p>
      </>
    );
    const act = (): void => void run({ kind, query, count: total });
    ask({
      title: `${verb} all ${plural(total, 'job')} that match`,
      body,
      verb: `${verb} ${count(total)}`,
      isDanger,
      typed: total,
      act,
    });
  };

  if (many > 0) {
    return (
      <div class="bulk">
        <span class="strong">
          {count(many)} marked{many >= MOST_MARKS && ', the most that can be'}
        </span>
        {actsFor([...new Set(marks.states.values())]).map((kind) => (
          <button
            key={kind}
            type="button"
            class={ACTS[kind].isDanger ? 'small danger' : 'small primary'}
            onClick={() => onMarked(kind)}
          >
            {ACTS[kind].verb}
          </button>
        ))}
        <button type="button" class="quiet small" onClick={onClear}>
          Clear marks
        </button>
        {dialog}
      </div>
    );
  }
  const acts = actsForAll(query.states ?? []);
  // A number that still grows is not the number that is meant.
  const isGrowing = page.total !== null && !page.isComplete;
  return (
    <div class="bulk">
      {acts.length === 0 && hasParts(query) && page.jobs.length > 0 && (
        <span class="dim">For acts on all that match, choose a state.</span>
      )}
      {acts.length > 0 && total === null && page.jobs.length > 0 && (
        <button type="button" class="small" disabled={isCounting} onClick={countAll}>
          {isCounting ? 'Counting…' : 'Count all that match'}
        </button>
      )}
      {total !== null &&
        total > 0 &&
        !isGrowing &&
        acts.map((kind) => (
          <button key={kind} type="button" class="small" onClick={() => onAll(kind, total)}>
            {ACTS[kind].verb} all {count(total)}
          </button>
        ))}
      {dialog}
    </div>
  );
}

/** What is done, and to which jobs. */
function MarkedOnes({ means, marks, page }: Pick<Props, 'marks' | 'page'> & { readonly means: string }): JSX.Element {
  const { ids, others, elsewhere } = namedMarks(marks, page.jobs);
  return (
    <>
      <p>{means}</p>
      <ul>
        {ids.map((id) => (
          <li key={id}>
            <code title={id}>{shortId(id)}</code> {marks.states.get(id)}
          </li>
        ))}
        {others > 0 && <li>and {plural(others, 'other')}</li>}
      </ul>
      {elsewhere > 0 && <p class="dim">{count(elsewhere)} of them not on the page that is shown.</p>}
    </>
  );
}

export interface Total {
  /** Null: nobody knows yet. */
  readonly total: number | null;
  readonly isCounting: boolean;
  readonly countAll: () => void;
}

/** How many match: as the page tells, or where it does not, as the server has counted when it was asked to read them all. */
export function useTotal(query: JobQuery, told: number | null): Total {
  const { say, locked } = usePage();
  const filter = paramsOf(query).toString();
  const [last, setLast] = useState<{ readonly filter: string | null; readonly count: number | null }>(NOT_COUNTED);
  const countAll = async (): Promise<void> => {
    setLast({ filter, count: null });
    const came = await get<{ readonly count: number }>(`api/count?${filter}`, undefined, COUNT_MS);
    setLast((now) => (now.filter !== filter ? now : came.kind === 'got' ? { filter, ...came.data } : NOT_COUNTED));
    if (came.kind === 'locked') locked();
    if (came.kind === 'refused') say(came.answer);
    if (came.kind === 'unreachable')
      say({ text: 'The server cannot be reached: nothing was counted.', isGood: false, code: null });
  };
  const isMine = last.filter === filter;
  const total = told ?? (isMine ? last.count : null);
  return { total, isCounting: isMine && total === null, countAll: () => void countAll() };
}

/** It reads a hundred thousand jobs in some seconds, and there may be millions. */
const COUNT_MS = 600_000;

const NOT_COUNTED = { filter: null, count: null };
