/** Processes that run jobs, children under the supervisor that started them. */
import type { JSX } from 'preact';
import type { WorkerSummary } from '../../src/ui/wire-workers.ts';
import { Icon } from '../parts/icon.tsx';
import { Loading, Panel, Table } from '../parts/panel.tsx';
import { Name } from '../parts/text.tsx';
import { Nothing, Since } from '../parts/time.tsx';
import { bytes, count, duration, instant, plural } from '../plain/format.ts';
import { visible } from '../plain/marks.ts';
import { jobAt, jobsAt } from '../plain/place.ts';
import { familiesOf } from '../plain/worker-order.ts';
import { now } from '../server/clock.ts';
import { usePage } from '../server/context.ts';
import { NoWorker } from './overview/workers-in-short.tsx';

const COLUMNS = [
  { name: 'Process' },
  { name: 'Status' },
  { name: 'Runs now' },
  { name: 'Busy', isNumber: true },
  { name: 'Queues' },
  { name: 'Up', isNumber: true },
  { name: 'Memory', isNumber: true },
  { name: 'Restarts', isNumber: true },
  { name: 'Loop delay', isNumber: true },
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
        <Life worker={worker} />
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
      <Restarts restarts={worker.restarts} />
      <LoopDelay loop={worker.loop} />
      <td data-label="fsq">{worker.version === null ? <Nothing /> : <Name text={worker.version} />}</td>
    </tr>
  );
}

/** Of a worker how many of its children were replaced; of a child nothing. */
function Restarts({ restarts }: Pick<WorkerSummary, 'restarts'>): JSX.Element {
  const last = restarts?.last ?? null;
  const title = last === null ? undefined : `the last ${instant(last.atMs, now())}: ${last.text}`;
  return (
    <td class="number" data-label="restarts" title={title}>
      {restarts === null ? <Nothing /> : restarts.count === 0 ? <span class="dim">0</span> : count(restarts.count)}
    </td>
  );
}

function LoopDelay({ loop }: Pick<WorkerSummary, 'loop'>): JSX.Element {
  return (
    <td class="number" data-label="loop delay" title="how late its event loop turned, at most, in the last minute">
      {loop === null || loop.blockedSinceMs !== null ? (
        <Nothing />
      ) : (
        <span class={loop.longestMs >= LONG_DELAY_MS ? 'failed' : ''}>≤ {duration(loop.longestMs)}</span>
      )}
    </td>
  );
}

/** A delay that people notice in a server, ms. */
const LONG_DELAY_MS = 1_000;

function Life({ worker }: { readonly worker: WorkerSummary }): JSX.Element {
  const { verdict, loop } = worker;
  const sinceMs = loop?.blockedSinceMs ?? null;
  if (verdict === 'alive' && sinceMs !== null) {
    return (
      <span class="standing life blocked" title={BLOCKED}>
        <Icon name="critical" /> blocked for <Since atMs={sinceMs} />
      </span>
    );
  }
  const name = verdict === 'alive' ? 'ok' : verdict === 'dead' ? 'critical' : 'warning';
  return (
    <span class={`standing life ${verdict}`}>
      <Icon name={name} /> {verdict}
    </span>
  );
}

const BLOCKED =
  'Its event loop has not turned for at least so long: a task computes without a pause, or the process is stopped. Nothing else runs in it meanwhile, and no signal reaches its tasks.';

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
