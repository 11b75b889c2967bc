/** Arguments, value and checkpoint of a job, each as a tree. What is absent is not there, or is hidden. */
import type { JSX } from 'preact';
import type { JobDetail } from '../../../src/ui/wire.ts';
import { Panel } from '../../parts/panel.tsx';
import { Tree } from '../../parts/tree.tsx';
import { usePage } from '../../server/context.ts';

export function Values({ job }: { readonly job: JobDetail }): JSX.Element {
  const { session } = usePage();
  if (session.hidesArguments) {
    return (
      <Panel title="Arguments">
        <p class="empty dim">Arguments, values and checkpoints are hidden on this page.</p>
      </Panel>
    );
  }
  return (
    <>
      <Panel title="Arguments">
        {job.args === undefined ? (
          <p class="empty dim">They cannot be read.</p>
        ) : job.args.length === 0 ? (
          <p class="empty dim">It was called without arguments.</p>
        ) : (
          <Tree value={job.args} what="the arguments" cutFrom={job.cut['args']} />
        )}
      </Panel>
      {job.value !== undefined && (
        <Panel title="Value">
          <Tree value={job.value} what="the value" cutFrom={job.cut['value']} />
        </Panel>
      )}
      {job.checkpoint !== undefined && (
        <Panel title="Checkpoint">
          <Tree value={job.checkpoint} what="the checkpoint" cutFrom={job.cut['checkpoint']} />
        </Panel>
      )}
    </>
  );
}
