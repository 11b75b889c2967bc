/** A row for each queue: what waits, since when, whether anybody takes it, and whether it is paused. */
import type { JSX } from 'preact';
import type { QueueSummary } from '../../../src/ui/wire.ts';
import { Icon } from '../../parts/icon.tsx';
import { Empty, Panel, Table } from '../../parts/panel.tsx';
import { SparkLine } from '../../parts/spark.tsx';
import { Name, PlaceCommand } from '../../parts/text.tsx';
import { Nothing } from '../../parts/time.tsx';
import { sum } from '../../plain/activity.ts';
import { count, oneUnit, shortCount } from '../../plain/format.ts';
import { visible } from '../../plain/marks.ts';
import { jobsAt } from '../../plain/place.ts';
import { usePage } from '../../server/context.ts';

const COLUMNS = [
  { name: 'Queue' },
  { name: 'Ended, 15 min' },
  { name: 'Pending', isNumber: true },
  { name: 'Delayed', isNumber: true },
  { name: 'Running', isNumber: true },
  { name: 'Failed', isNumber: true },
  { name: 'Oldest', isNumber: true },
  { name: 'Status' },
];

/** `q2` comes before `q10`. */
const NAMES = new Intl.Collator('en', { numeric: true });

function byName(a: QueueSummary, b: QueueSummary): number {
  return NAMES.compare(a.name, b.name);
}

export function Queues({ queues }: { readonly queues: readonly QueueSummary[] }): JSX.Element {
  const { session } = usePage();
  const columns = session.isReadOnly ? COLUMNS : [...COLUMNS, { name: 'Acts', isUnseen: true }];
  return (
    <Panel title="Queues">
      {queues.length === 0 ? (
        <Empty title="No queue has jobs yet.">
          <p class="dim">
            The first job makes its queue. Send one: <PlaceCommand command="fsq call TASK" />
          </p>
        </Empty>
      ) : (
        <Table caption="Queues" columns={columns} class="queues cards">
          {queues.toSorted(byName).map((queue) => (
            <Row key={queue.name} queue={queue} />
          ))}
        </Table>
      )}
    </Panel>
  );
}

function Row({ queue }: { readonly queue: QueueSummary }): JSX.Element {
  const { name, ready, delayed, running, failed } = queue;
  const queues = [name];
  return (
    <tr data-row>
      <th scope="row" class="name">
        <a href={jobsAt({ queues })} title={visible(name)}>
          <Name text={name} />
        </a>
      </th>
      <td data-label="15 min">
        {queue.ended === null ? (
          <Nothing />
        ) : (
          <SparkLine values={queue.ended} label={`${count(sum(queue.ended))} jobs ended in the last 15 minutes`} />
        )}
      </td>
      <Number value={ready} to={jobsAt({ queues, states: ['pending'] })} what="pending" />
      <Number value={delayed} to={jobsAt({ queues, states: ['delayed', 'parked'] })} what="delayed" />
      <Number value={running} to={jobsAt({ queues, states: ['running'] })} what="running" />
      <Number value={failed} to={jobsAt({ queues, states: ['failed'] })} what="failed" />
      <td class="number" data-label="oldest">
        {queue.oldestMs === null ? <Nothing /> : oneUnit(queue.oldestMs)}
      </td>
      <td>
        <Standing queue={queue} />
      </td>
      <PauseCell queue={queue} />
    </tr>
  );
}

function Number({
  value,
  to,
  what,
}: {
  readonly value: number;
  readonly to: string;
  readonly what: string;
}): JSX.Element {
  return (
    <td class="number" data-label={what}>
      {value === 0 ? (
        <span class="dim">0</span>
      ) : (
        <a href={to} title={`${count(value)} ${what}`} class={what === 'failed' ? 'failed' : ''}>
          {shortCount(value)}
        </a>
      )}
    </td>
  );
}

function Standing({ queue }: { readonly queue: QueueSummary }): JSX.Element {
  if (queue.isPaused) {
    return (
      <span class="standing paused">
        <Icon name="pause" /> paused
      </span>
    );
  }
  if (queue.isServed) return <span class="standing dim">served</span>;
  const waits = queue.ready > 0;
  return <span class={`standing ${waits ? 'unserved' : 'dim'}`}>{waits && <Icon name="warning" />} no worker</span>;
}

function PauseCell({ queue }: { readonly queue: QueueSummary }): JSX.Element | null {
  const { session, run } = usePage();
  if (session.isReadOnly) return null;
  const verb = queue.isPaused ? 'Resume' : 'Pause';
  return (
    <td class="act">
      <button
        type="button"
        class="small"
        aria-label={`${verb} queue ${visible(queue.name)}`}
        onClick={() => void run({ kind: queue.isPaused ? 'resume' : 'pause', queue: queue.name })}
      >
        {verb}
      </button>
    </td>
  );
}
