/** The place that keeps the jobs: what lies where, what it means, and how much room is left. */
import type { JSX } from 'preact';
import type { StoreReport } from '../../src/ui/wire.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Loading, Panel, Refusal, Table } from '../parts/panel.tsx';
import { Gauge } from '../parts/spark.tsx';
import { Name, Sentence } from '../parts/text.tsx';
import { Nothing } from '../parts/time.tsx';
import { bytes, count, shortCount } from '../plain/format.ts';
import { visible } from '../plain/marks.ts';
import { storeTitle } from '../plain/place.ts';
import { usePage } from '../server/context.ts';
import { useLook } from '../server/look.ts';

const COLUMNS = [
  { name: 'Part' },
  { name: 'Entries', isNumber: true },
  { name: 'Size', isNumber: true },
  { name: 'What it is' },
];

export function Spool(): JSX.Element {
  const { live, session } = usePage();
  const { data, refusal } = useLook<StoreReport>('api/store', live.hints);
  return (
    <>
      <h1>{storeTitle(session.place)}</h1>
      {refusal !== null && <Refusal text={refusal.text} />}
      {data === null ? refusal === null && <Loading /> : <Seen report={data} />}
    </>
  );
}

function Seen({ report }: { readonly report: StoreReport }): JSX.Element {
  return (
    <>
      <Panel title="Place">
        <p class="path">
          <code>
            <Name text={report.place} />
          </code>
          <CopyButton text={report.place} what="the place" />
        </p>
        {report.room !== null && <Room room={report.room} />}
      </Panel>
      <Panel title="Parts">
        <Table caption="Parts of the place" columns={COLUMNS} class="parts cards">
          {report.parts.map((part) => (
            <tr key={part.name}>
              <th scope="row" class="name" title={visible(part.name)}>
                <code>
                  <Name text={part.name} />
                </code>
              </th>
              <td class="number" data-label="entries">
                {part.entries === null ? <Nothing /> : count(part.entries)}
              </td>
              <td class="number" data-label="size">
                {part.bytes === null ? <Nothing /> : bytes(part.bytes)}
              </td>
              <td class="words">
                <Sentence text={part.means} />
              </td>
            </tr>
          ))}
        </Table>
      </Panel>
    </>
  );
}

function Room({ room }: { readonly room: NonNullable<StoreReport['room']> }): JSX.Element {
  const { freeBytes, totalBytes, freeInodes, totalInodes } = room;
  return (
    <dl class="facts">
      <div>
        <dt>Disk</dt>
        <dd>
          {totalBytes > 0 && <Gauge part={1 - freeBytes / totalBytes} label="How full the disk is" />}
          {bytes(freeBytes)} free of {bytes(totalBytes)}
        </dd>
      </div>
      <div>
        <dt>Inodes</dt>
        <dd>
          {totalInodes === 0 ? (
            <span class="dim">this file system does not count them</span>
          ) : (
            <>
              <Gauge part={1 - freeInodes / totalInodes} label="How many inodes are taken" />
              {shortCount(freeInodes)} free of {shortCount(totalInodes)}
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}
