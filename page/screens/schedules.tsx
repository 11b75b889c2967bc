/** What workers send by themselves: when, in words, what came of it lately, and run now or pause. */
import type { JSX } from 'preact';
import type { ScheduleRow } from '../../src/ui/wire.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty, Loading, Panel, Refusal, Table } from '../parts/panel.tsx';
import { SparkBars } from '../parts/spark.tsx';
import { State } from '../parts/state.tsx';
import { Name, PlaceCommand } from '../parts/text.tsx';
import { Age, Nothing } from '../parts/time.tsx';
import { duration, instant, plural } from '../plain/format.ts';
import { visible } from '../plain/marks.ts';
import { jobAt, jobsAt } from '../plain/place.ts';
import { now } from '../server/clock.ts';
import { usePage } from '../server/context.ts';
import { useLook } from '../server/look.ts';

const COLUMNS = [{ name: 'Schedule' }, { name: 'When' }, { name: 'Next' }, { name: 'Last' }, { name: 'Latest runs' }];

export function Schedules(): JSX.Element {
  const { live, session } = usePage();
  const { data, refusal } = useLook<readonly ScheduleRow[]>('api/schedules', live.hints);
  const hasWorker = live.summary?.workers.some(({ verdict }) => verdict !== 'dead') ?? true;
  const columns = session.isReadOnly ? COLUMNS : [...COLUMNS, { name: 'Acts', isUnseen: true }];
  return (
    <>
      <h1>Schedules</h1>
      {refusal !== null && <Refusal text={refusal.text} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && data.length === 0 && <NoSchedule />}
      {data !== null && data.length > 0 && (
        <Panel title={plural(data.length, 'schedule')}>
          {!hasWorker && <p class="note critical">No worker runs that would send what is due.</p>}
          <Table caption="Schedules" columns={columns} class="schedules cards">
            {data.map((schedule) => (
              <Row key={schedule.name} schedule={schedule} hasWorker={hasWorker} />
            ))}
          </Table>
        </Panel>
      )}
    </>
  );
}

function NoSchedule(): JSX.Element {
  return (
    <section class="panel" aria-label="Schedules">
      <Empty title="Nothing is scheduled.">
        <p>
          Workers send jobs by themselves when <code>fsq.config</code> says so:
        </p>
        <pre class="example">{"schedules: {\n  'tidy-up': { task: 'tidy', every: '1h' },\n}"}</pre>
        <p class="dim">
          <PlaceCommand command="fsq schedule list" /> shows the same as this screen.
        </p>
      </Empty>
    </section>
  );
}

function Row({ schedule, hasWorker }: { readonly schedule: ScheduleRow; readonly hasWorker: boolean }): JSX.Element {
  const { name, task, words, pattern, next, last } = schedule;
  return (
    <tr data-row>
      <th scope="row" class="name" title={visible(name)}>
        {task === null ? (
          <Name text={name} />
        ) : (
          <a href={jobsAt({ tasks: [task] })}>
            <Name text={name} />
          </a>
        )}
        {task !== null && (
          <div class="second">
            <Name text={task} />
          </div>
        )}
      </th>
      <td class="words">
        {words === null ? <span class="dim">not in this configuration</span> : <Name text={words} />}
        {pattern !== null && (
          <div class="second">
            <code>
              <Name text={pattern} />
            </code>
          </div>
        )}
      </td>
      <td data-label="next" title={next.map((atMs) => instant(atMs, now())).join('\n')}>
        {schedule.isPaused ? (
          <span class="standing paused">
            <Icon name="pause" /> paused
          </span>
        ) : hasWorker || next[0] === undefined ? (
          <Age atMs={next[0] ?? null} />
        ) : (
          <span class="standing critical">no worker runs that would send it</span>
        )}
        {!schedule.isPaused && next[0] !== undefined && <div class="second number">{instant(next[0], now())}</div>}
      </td>
      <td data-label="last">
        {last === null ? (
          <span class="dim">none known</span>
        ) : (
          <>
            <a href={jobAt(last.id)} title={last.id}>
              <Age atMs={last.atMs} />
            </a>
            <div class="second">{last.state === null ? 'its job is gone' : <State state={last.state} />}</div>
          </>
        )}
      </td>
      <td>
        <Runs runs={schedule.runs} />
      </td>
      <Acts schedule={schedule} />
    </tr>
  );
}

function Runs({ runs }: { readonly runs: ScheduleRow['runs'] }): JSX.Element {
  if (runs.length === 0) return <Nothing />;
  const bars = runs.map((run) => ({
    id: run.id,
    value: run.ranMs,
    state: run.state,
    title: `${instant(run.atMs, now())}: ${run.state}${run.ranMs === null ? '' : `, ${duration(run.ranMs)}`}`,
  }));
  const bad = runs.filter((run) => run.state === 'failed').length;
  return <SparkBars bars={bars} label={`${plural(runs.length, 'run')}, ${bad} failed`} />;
}

function Acts({ schedule }: { readonly schedule: ScheduleRow }): JSX.Element | null {
  const { session, run } = usePage();
  if (session.isReadOnly) return null;
  const { name, isPaused } = schedule;
  const verb = isPaused ? 'Resume' : 'Pause';
  return (
    <td class="act">
      <button
        type="button"
        class="small"
        aria-label={`Run now: ${visible(name)}`}
        disabled={schedule.task === null}
        onClick={() => void run({ kind: 'run-schedule', schedule: name })}
      >
        Run now
      </button>
      <button
        type="button"
        class="small"
        aria-label={`${verb} ${visible(name)}`}
        onClick={() => void run({ kind: isPaused ? 'resume-schedule' : 'pause-schedule', schedule: name })}
      >
        {verb}
      </button>
    </td>
  );
}
