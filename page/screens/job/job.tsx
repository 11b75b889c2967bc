/** One job: how it is, why, what it has done so far, and what can be done about it. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { JobDetail } from '../../../src/ui/wire.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { Loading, Panel, Refusal } from '../../parts/panel.tsx';
import { Gauge } from '../../parts/spark.tsx';
import { State } from '../../parts/state.tsx';
import { Command, Name, Sentence } from '../../parts/text.tsx';
import { Tree } from '../../parts/tree.tsx';
import { count } from '../../plain/format.ts';
import { usePage } from '../../server/context.ts';
import { useLook } from '../../server/look.ts';
import { JobActs } from './acts.tsx';
import { Attempts } from './attempts.tsx';
import { Facts } from './facts.tsx';
import { Family } from './family.tsx';
import { Output } from './output.tsx';
import { Timeline } from './timeline.tsx';
import { Values } from './values.tsx';

/** A job that runs tells progress and output without a hint from the server; of any other the words have ages in them, such as 'in 40 s'. */
const EVERY_MS = { running: 2_000, still: 15_000 };

export function JobScreen({ id }: { readonly id: string }): JSX.Element {
  const { live } = usePage();
  const [beats, setBeats] = useState(0);
  const { data, refusal } = useLook<JobDetail>(`api/jobs/${encodeURIComponent(id)}`, live.hints + beats);
  const isRunning = data?.state === 'running';
  useEffect(() => {
    const beat = (): void => {
      if (!document.hidden) setBeats((before) => before + 1);
    };
    const timer = setInterval(beat, isRunning ? EVERY_MS.running : EVERY_MS.still);
    return () => clearInterval(timer);
  }, [isRunning]);

  if (data === null) {
    return (
      <>
        <h1>Job</h1>
        {refusal === null ? (
          <Loading />
        ) : (
          <>
            <Refusal text={refusal.text} />
            <p>
              <a href="#/jobs">All jobs</a>
            </p>
          </>
        )}
      </>
    );
  }
  return (
    <article class="job">
      <Head job={data} />
      {refusal !== null && <Refusal text={`${refusal.text} What is shown is what was seen last.`} />}
      <Body job={data} />
    </article>
  );
}

function Head({ job }: { readonly job: JobDetail }): JSX.Element {
  return (
    <header class="job-head">
      <div>
        <h1>
          <Name text={job.task ?? 'A job that cannot be read'} />
        </h1>
        <p class="id">
          <State state={job.state} />
          <code>{job.id}</code>
          <CopyButton text={job.id} what="the id" isSmall />
        </p>
      </div>
      <JobActs job={job} />
    </header>
  );
}

function Body({ job }: { readonly job: JobDetail }): JSX.Element {
  return (
    <>
      {job.state === 'running' && job.progress !== null && <Progress job={job} />}
      {job.reasons.length > 0 && (
        <ul class="reasons" aria-label="Why it is where it is">
          {job.reasons.map((text) => (
            <li key={text}>
              <Sentence text={text} />
            </li>
          ))}
        </ul>
      )}
      <div class="halves">
        <div>
          <Timeline job={job} />
          <Attempts job={job} />
          {hasMoreOutput(job) && <Output id={job.id} isRunning={job.state === 'running'} />}
        </div>
        <div>
          <Values job={job} />
          <Facts job={job} />
          {job.family.length > 0 && <Family job={job} />}
          <Commands job={job} />
        </div>
      </div>
    </>
  );
}

/** What all attempts that are shown have printed stands there already. */
function hasMoreOutput({ attempts, leftOut }: JobDetail): boolean {
  return leftOut.attempts > 0 || attempts.some(({ outputLeftOut }) => outputLeftOut !== 0);
}

function Progress({ job }: { readonly job: JobDetail }): JSX.Element {
  const told = job.progressDetail;
  return (
    <Panel title="Progress">
      <p class="busy">
        <Gauge part={job.progress ?? 0} label="Progress" />
        {told !== null && told.done !== null && (
          <span class="number">
            {count(told.done)}
            {told.total !== null && ` of ${count(told.total)}`}
          </span>
        )}
      </p>
      {told?.detail !== undefined && <Tree value={told.detail} what="the detail of the progress" />}
    </Panel>
  );
}

function Commands({ job }: { readonly job: JobDetail }): JSX.Element {
  return (
    <Panel title="As commands">
      <dl class="facts stacked">
        {job.commands.map(({ what, command }) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              <Command command={command} />
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
