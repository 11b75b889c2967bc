/** Processes that run jobs, children under the supervisor that started them. */
import type { JSX } from 'preact';
import type { WorkerSummary } from '../../src/ui/wire.ts';
import { Icon } from '../parts/icon.tsx';
import { Loading, Panel, Table } from '../parts/panel.tsx';
import { Name } from '../parts/text.tsx';
import { Nothing, Since } from '../parts/time.tsx';
import { bytes, plural } from '../plain/format.ts';
import { visible } from '../plain/marks.ts';
import { jobAt, jobsAt } from '../plain/place.ts';
import { familiesOf } from '../plain/worker-order.ts';
import { usePage } from '../server/context.ts';
import { NoWorker } from './overview/workers-in-short.tsx';

const COLUMNS = [
  { name: 'Process' },
  { name: 'Is' },
  { name: 'Runs now' },
  { name: 'Busy', isNumber: true },
  { name: 'Queues' },
  { name: 'Up', isNumber: true },
  { name: 'Memory', isNumber: true },
  { name: 'fsq' },
];

export function Workers(): JSX.Element {
  const { summary, trouble } = usePage().live;
  return (
    <>
      <h1>Workers</h1>
      {summary === null ? (
        <Loading isAway={trouble !== null} />
      ) : summary.workers.length === 0 ? (
        <section class="panel" aria-label="Workers">
          <NoWorker waiting={summary.counts.pending} />
        </section>
      ) : (
        <Panel title={plural(summary.workers.length, 'process', 'processes')}>
          <Table caption="Processes of workers" columns={COLUMNS} class="workers cards">
            {familiesOf(summary.workers).map(({ worker, isChild }) => (
              <Row key={worker.owner} worker={worker} isChild={isChild} />
            ))}
          </Table>
        </Panel>
      )}
    </>
  );
}

function Row({ worker, isChild }: { readonly worker: WorkerSummary; readonly isChild: boolean }): JSX.Element {
  const { pid, host, role, jobs, slots, queues } = worker;
  return (
    <tr data-row>
      <th scope="row" class={isChild ? 'name child' : 'name'}>
        <a href={jobsAt({ worker: worker.owner })} title={`${visible(worker.owner)}: its jobs`}>
          {role} {pid}
        </a>
        {host !== null && (
          <span class="dim">
            {' '}
            on <Name text={host} />
          </span>
        )}
      </th>
      <td>
        <Life verdict={worker.verdict} />
      </td>
      <td class="runs">
        {jobs.length === 0 ? <span class="dim">{role === 'supervisor' ? '' : 'idle'}</span> : <Running jobs={jobs} />}
      </td>
      <td class="number" data-label="busy">
        {role === 'supervisor' ? <Nothing /> : `${jobs.length} / ${slots}`}
      </td>
      <td class="name" data-label="queues" title={queues?.map(visible).join(', ')}>
        {queues === null ? <span class="dim">all</span> : <Name text={queues.join(', ')} />}
      </td>
      <td class="number" data-label="up">
        <Since atMs={worker.startedAtMs} isRough />
      </td>
      <td class="number" data-label="memory">
        {worker.memoryBytes === null ? <Nothing /> : bytes(worker.memoryBytes)}
      </td>
      <td data-label="fsq">{worker.version === null ? <Nothing /> : <Name text={worker.version} />}</td>
    </tr>
  );
}

function Life({ verdict }: { readonly verdict: WorkerSummary['verdict'] }): JSX.Element {
  const name = verdict === 'alive' ? 'ok' : verdict === 'dead' ? 'critical' : 'warning';
  return (
    <span class={`standing life ${verdict}`}>
      <Icon name={name} /> {verdict}
    </span>
  );
}

/** Of a child with many slots, the first few. */
const SHOWN = 3;

function Running({ jobs }: { readonly jobs: WorkerSummary['jobs'] }): JSX.Element {
  return (
    <ul class="plain">
      {jobs.slice(0, SHOWN).map((job) => (
        <li key={job.id}>
          <a href={jobAt(job.id)}>
            <Name text={job.task ?? job.id} />
          </a>{' '}
          {job.startedAtMs !== null && (
            <span class="dim number">
              for <Since atMs={job.startedAtMs} />
            </span>
          )}
        </li>
      ))}
      {jobs.length > SHOWN && <li class="dim">and {jobs.length - SHOWN} more</li>}
    </ul>
  );
}
