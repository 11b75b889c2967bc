/** What can be done with the marked jobs, or with all that match, which asks for their number first. */
import type { JSX } from 'preact';
import type { JobPage, JobQuery } from '../../../src/ui/wire.ts';
import { useConfirm } from '../../parts/dialog.tsx';
import { ACTS, actsFor, actsForAll, type JobAct } from '../../plain/acts.ts';
import { count, plural } from '../../plain/format.ts';
import type { MarkedJobs } from '../../plain/marked-jobs.ts';
import { usePage } from '../../server/context.ts';
import { FilterWords } from './filter-words.tsx';

interface Props {
  readonly query: JobQuery;
  readonly page: JobPage;
  readonly marks: MarkedJobs;
  readonly onClear: () => void;
}

export function Bulk({ query, page, marks, onClear }: Props): JSX.Element {
  const { run } = usePage();
  const { ask, dialog } = useConfirm();
  const many = marks.states.size;

  const onMarked = (kind: JobAct): void => {
    const act = async (): Promise<void> => {
      const { isGood } = await run({ kind, ids: [...marks.states.keys()] });
      if (isGood && kind === 'forget') onClear(); // What is there no more has no marks.
    };
    const { verb, means, isDanger } = ACTS[kind];
    if (!isDanger) return void act();
    const title = `${verb} ${plural(many, 'marked job')}`;
    ask({ title, body: <p>{means}</p>, verb, isDanger, typed: null, act: () => void act() });
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
        <span class="strong">{count(many)} marked</span>
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
  const { total } = page;
  return (
    <div class="bulk">
      {total !== null &&
        total > 0 &&
        actsForAll(query.states ?? []).map((kind) => (
          <button key={kind} type="button" class="small" onClick={() => onAll(kind, total)}>
            {ACTS[kind].verb} all {count(total)}
          </button>
        ))}
      {dialog}
    </div>
  );
}
