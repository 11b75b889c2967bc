/** How many workers there are and how busy; and how to start one where there is none. */
import type { JSX } from 'preact';
import type { Summary } from '../../../src/ui/wire.ts';
import type { WorkerSummary } from '../../../src/ui/wire-workers.ts';
import { Icon } from '../../parts/icon.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Gauge } from '../../parts/spark.tsx';
import { PlaceCommand } from '../../parts/text.tsx';
import { sum } from '../../plain/activity.ts';
import { count, plural } from '../../plain/format.ts';

export function WorkersInShort({ summary }: { readonly summary: Summary }): JSX.Element {
  const alive = summary.workers.filter((worker) => worker.verdict !== 'dead');
  return (
    <Panel title="Workers" aside={alive.length > 0 && <a href="#/workers">all workers</a>}>
      {alive.length === 0 ? <NoWorker waiting={summary.counts.pending} /> : <Busy workers={alive} />}
    </Panel>
  );
}

function Busy({ workers }: { readonly workers: readonly WorkerSummary[] }): JSX.Element {
  const runners = workers.filter((worker) => worker.role !== 'supervisor');
  const slots = sum(runners.map((worker) => worker.slots));
  const busy = sum(runners.map((worker) => worker.jobs.length));
  const supervisors = workers.length - runners.length;
  const blocked = workers.filter((worker) => (worker.loop?.blockedSinceMs ?? null) !== null).length;
  return (
    <p class="busy">
      <Gauge part={slots === 0 ? 0 : busy / slots} label="Busy slots" />
      <span>
        {count(busy)} of {plural(slots, 'slot')} busy, in {plural(runners.length, 'process', 'processes')}
        {supervisors > 0 && ` of ${plural(supervisors, 'worker')}`}
      </span>
      {blocked > 0 && (
        <a href="#/workers" class="standing blocked">
          <Icon name="critical" /> {plural(blocked, 'process', 'processes')} blocked
        </a>
      )}
    </p>
  );
}

/** Also on the screen of workers. */
export function NoWorker({ waiting }: { readonly waiting: number }): JSX.Element {
  return (
    <div class="empty">
      {waiting > 0 ? (
        <p class="standing unserved strong">
          <Icon name="warning" />
          {plural(waiting, 'job')} {waiting === 1 ? 'waits' : 'wait'}, and no worker runs.
        </p>
      ) : (
        <p class="strong">No worker runs.</p>
      )}
      <p>
        Start one in your project: <PlaceCommand command="fsq worker" />
      </p>
    </div>
  );
}
