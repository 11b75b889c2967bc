/** How it is, at a glance: advice, counts, rates, times, queues, workers. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Summary } from '../../../src/ui/wire.ts';
import { RateChart } from '../../parts/chart.tsx';
import { useConfirm } from '../../parts/dialog.tsx';
import { Loading, Panel } from '../../parts/panel.tsx';
import { Sentence } from '../../parts/text.tsx';
import { count, plural } from '../../plain/format.ts';
import { usePage } from '../../server/context.ts';
import { Counts } from './counts.tsx';
import { Queues } from './queues.tsx';
import { Times } from './times.tsx';
import { WorkersInShort } from './workers-in-short.tsx';

export function Overview(): JSX.Element {
  const { live } = usePage();
  const { summary } = live;
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        {summary?.index.isComplete === true && <RetryAll failed={summary.counts.failed} />}
      </div>
      {summary === null ? <Loading isAway={live.trouble !== null} /> : <Seen summary={summary} />}
    </>
  );
}

function Seen({ summary }: { readonly summary: Summary }): JSX.Element {
  return (
    <>
      {summary.advice.length > 0 && (
        <ul class="advice" aria-label="Advice">
          {summary.advice.map((text) => (
            <li key={text}>
              <Sentence text={text} />
            </li>
          ))}
        </ul>
      )}
      {!summary.index.isComplete && (
        <p class="note warning">
          Not all jobs are read yet: {plural(summary.index.read, 'job')} so far. A count with a + grows until they are.
        </p>
      )}
      <Counts counts={summary.counts} isComplete={summary.index.isComplete} />
      <Lately summary={summary} />
      <Queues queues={summary.queues} />
    </>
  );
}

const OVERS = [
  { name: 'minutes', text: '15 min', long: 'the last 15 minutes' },
  { name: 'day', text: '24 h', long: 'the last 24 hours' },
] as const;

function Lately({ summary }: { readonly summary: Summary }): JSX.Element {
  const [over, setOver] = useState<(typeof OVERS)[number]>(OVERS[0]);
  const activity = summary[over.name];
  const choice = (
    <div class="choice" role="group" aria-label="Over which time">
      {OVERS.map((one) => (
        <button key={one.name} type="button" aria-pressed={one === over} onClick={() => setOver(one)}>
          {one.text}
        </button>
      ))}
    </div>
  );
  return (
    <div class="pair">
      <Panel title="Jobs a minute" aside={choice}>
        <RateChart activity={activity} over={over.long} />
      </Panel>
      <div class="column">
        <Panel title="Times" aside={<span class="dim">{over.long}</span>}>
          <Times activity={activity} />
        </Panel>
        <WorkersInShort summary={summary} />
      </div>
    </div>
  );
}

function RetryAll({ failed }: { readonly failed: number }): JSX.Element | null {
  const { session, run } = usePage();
  const { ask, dialog } = useConfirm();
  if (session.isReadOnly || failed === 0) return null;
  const question = {
    title: `Retry ${plural(failed, 'failed job')}`,
    body: <p>All jobs that failed are sent back and run again, with all their attempts anew.</p>,
    verb: `Retry ${count(failed)}`,
    isDanger: false,
    typed: failed,
    act: () => void run({ kind: 'retry', query: { states: ['failed'] }, count: failed }),
  };
  return (
    <div class="acts">
      <button type="button" onClick={() => ask(question)}>
        Retry all {count(failed)} failed
      </button>
      {dialog}
    </div>
  );
}
