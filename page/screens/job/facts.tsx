/** Facts of a job that are one word or one figure each. */
import type { ComponentChildren, JSX } from 'preact';
import type { JobDetail } from '../../../src/ui/wire.ts';
import { Panel } from '../../parts/panel.tsx';
import { Command, Name } from '../../parts/text.tsx';
import { Age, Instant } from '../../parts/time.tsx';
import { count, plural } from '../../plain/format.ts';
import { visible } from '../../plain/marks.ts';
import { jobsAt } from '../../plain/place.ts';

export function Facts({ job }: { readonly job: JobDetail }): JSX.Element {
  const { task, queue, owner, key } = job;
  return (
    <Panel title="Facts">
      <dl class="facts">
        {task !== null && (
          <Fact name="Task">
            <a href={jobsAt({ tasks: [task] })} aria-label={`All jobs of ${visible(task)}`}>
              <Name text={task} />
            </a>
          </Fact>
        )}
        <Fact name="Queue">
          <a href={jobsAt({ queues: [queue] })}>
            <Name text={queue} />
          </a>
          <span class="dim">priority {job.priority}</span>
        </Fact>
        <Fact name="Sent">
          <Instant atMs={job.sentAtMs} />
          <span class="dim">{job.sentAtMs !== null && <Age atMs={job.sentAtMs} />}</span>
        </Fact>
        {job.dueAtMs !== null && (
          <Fact name="Due">
            <Instant atMs={job.dueAtMs} />
          </Fact>
        )}
        {job.endedAtMs !== null && (
          <Fact name="Ended">
            <Instant atMs={job.endedAtMs} />
          </Fact>
        )}
        {job.crashes > 0 && <Fact name="Crashes">{job.crashes}</Fact>}
        {owner !== null && (
          <Fact name="Worker">
            <a href={jobsAt({ worker: owner })}>
              <Name text={owner} />
            </a>
          </Fact>
        )}
        {key !== null && (
          <Fact name="Key">
            <a href={jobsAt({ key })}>
              <Name text={key} />
            </a>
          </Fact>
        )}
        {job.waitsFor !== null && (
          <Fact name="Waits for">
            {job.waitsFor.jobs - job.waitsFor.ended} of {plural(job.waitsFor.jobs, 'job')}
          </Fact>
        )}
        {job.isRevoked && <Fact name="Revoked">it is to end, or not to run</Fact>}
        {job.options.map(([name, text]) => (
          <Fact key={`option ${name}`} name={name}>
            <Name text={text} />
          </Fact>
        ))}
        {Object.entries(job.headers).map(([name, text]) => (
          <Fact key={`header ${name}`} name={name}>
            <Name text={text} />
          </Fact>
        ))}
        {job.leftOut.headers > 0 && <Fact name="More headers">{count(job.leftOut.headers)}</Fact>}
        <Fact name="Stored at">
          <Command command={job.location} what="where it is stored:" />
        </Fact>
      </dl>
    </Panel>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>
        <Name text={name} />
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
