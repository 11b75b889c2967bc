/** A job's life as a bar, and in words: waited, ran, waited again, and how each run ended. */
import type { JSX } from 'preact';
import type { JobDetail, JobStretch } from '../../../src/ui/wire.ts';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { Panel, Table } from '../../parts/panel.tsx';
import { Name } from '../../parts/text.tsx';
import { Instant, Nothing, Since, Span } from '../../parts/time.tsx';
import { count, duration } from '../../plain/format.ts';
import { placed, type PlacedStretch, totalsOf } from '../../plain/stretches.ts';
import { now, useTicking } from '../../server/clock.ts';

/** More are folded: what failed should be seen without a way past them. */
const MOST_ROWS = 8;

const COLUMNS = [{ name: 'From' }, { name: 'What' }, { name: 'For', isNumber: true }];

export function Timeline({ job }: { readonly job: JobDetail }): JSX.Element {
  // The bar of a job that has not ended grows each second.
  useTicking((nowMs) => (job.endedAtMs === null ? String(Math.floor(nowMs / 1_000)) : ''));
  if (job.timeline === null) {
    return (
      <Panel title="Timeline">
        <p class="empty dim">The job cannot be read, so its life is not known.</p>
      </Panel>
    );
  }
  const stretches = placed(job.timeline, now());
  const table = (
    <Table caption="Timeline" columns={COLUMNS} class="life">
      {stretches.map((one, i) => (
        <Row key={i} placed={one} />
      ))}
    </Table>
  );
  return (
    <Panel title="Timeline" aside={<Totals stretches={stretches} job={job} />}>
      <div class="life" aria-hidden="true">
        {stretches.map(({ stretch, part, tookMs }, i) => (
          <span
            key={i}
            class={`${stretch.kind} ${stretch.end ?? ''}`}
            style={{ flexGrow: part }}
            title={`${stretch.text}${tookMs === null ? '' : `, ${duration(tookMs)}`}`}
          />
        ))}
      </div>
      {job.leftOut.stretches > 0 && (
        <p class="dim">The latest of it; {count(job.leftOut.stretches)} earlier lines are not shown here.</p>
      )}
      {stretches.length <= MOST_ROWS ? (
        table
      ) : (
        <details class="fold">
          <summary>All {count(stretches.length)} steps</summary>
          {table}
        </details>
      )}
    </Panel>
  );
}

function Totals({
  stretches,
  job,
}: {
  readonly stretches: readonly PlacedStretch[];
  readonly job: JobDetail;
}): JSX.Element {
  // Of a life that is not here as a whole the server has added up all.
  const { waitedMs, ranMs } = job.leftOut.stretches > 0 ? job : totalsOf(stretches);
  const parts = [
    waitedMs !== null && `waited ${duration(waitedMs)}`,
    ranMs !== null && stretches.some(({ stretch }) => stretch.kind === 'ran') && `ran ${duration(ranMs)}`,
    job.endedAtMs === null ? 'so far' : job.totalMs !== null && `${duration(job.totalMs)} in all`,
  ].filter((part) => part !== false);
  return <span class="dim number">{parts.join(' · ')}</span>;
}

export const ENDS: Readonly<Record<NonNullable<JobStretch['end']>, IconName>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  revoked: 'revoked',
  expired: 'expired',
  lost: 'critical',
  runs: 'running',
};

function Row({ placed: { stretch, tookMs } }: { readonly placed: PlacedStretch }): JSX.Element {
  const { text, kind, end, fromMs, toMs } = stretch;
  const goesOn = fromMs !== null && toMs === null && tookMs !== null;
  return (
    <tr>
      <td class="number">
        <Instant atMs={fromMs} />
      </td>
      <th scope="row" class={`${kind} ${end ?? ''}`}>
        {end === null ? (
          <Icon name={kind === 'waited' || kind === 'ended' ? 'delayed' : 'pending'} />
        ) : (
          <Icon name={ENDS[end]} />
        )}
        <Name text={text} />
      </th>
      <td class="number">{tookMs === null ? <Nothing /> : goesOn ? <Since atMs={fromMs} /> : <Span ms={tookMs} />}</td>
    </tr>
  );
}
