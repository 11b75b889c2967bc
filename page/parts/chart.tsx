/** Jobs a minute as two stacked areas, and the same figures as a table for those who want or need that. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Activity } from '../../src/ui/wire.ts';
import { coarser, type RateColumns, ratesOf, sum } from '../plain/activity.ts';
import { areasOf, MARGIN, slotAt } from '../plain/areas.ts';
import { count, hourMinute, rate } from '../plain/format.ts';
import { now } from '../server/clock.ts';
import { Table } from './panel.tsx';
import { Nothing } from './time.tsx';

const HEIGHT = 200;
const TABLE_ROWS = 24;
/** Half of `14:03`: a label at the end is whole. */
const LABEL_HALF_PX = 16;

export function RateChart({ activity, over }: { readonly activity: Activity; readonly over: string }): JSX.Element {
  const [isTable, setTable] = useState(false);
  const [slot, setSlot] = useState<number | null>(null);
  const ended = sum(activity.ended);
  const failed = sum(activity.failed);
  const rates = ratesOf(activity, now());
  const label = `Jobs a minute over ${over}: ${count(ended)} ended in all, of which ${count(failed)} failed`;
  const isShown = !isTable && slot !== null && rates.ended[slot] !== null;
  return (
    <figure class="chart">
      {isTable ? (
        <RateTable activity={activity} label={label} />
      ) : (
        <Plot rates={rates} label={label} slot={slot} onSlot={setSlot} />
      )}
      <figcaption>
        <span class="key done">
          {isShown ? `${rate(rates.ended[slot] ?? 0)} ended a minute` : `${count(ended)} ended`}
        </span>
        <span class="key failed">
          {isShown ? `${rate(rates.failed[slot] ?? 0)} of them failed` : `${count(failed)} of them failed`}
        </span>
        {isShown && <span class="dim number">at {hourMinute(rates.atMs[slot] ?? 0)}</span>}
        <button type="button" class="quiet" onClick={() => setTable(!isTable)}>
          {isTable ? 'Show as chart' : 'Show as table'}
        </button>
      </figcaption>
    </figure>
  );
}

function RateTable({ activity, label }: { readonly activity: Activity; readonly label: string }): JSX.Element {
  const rows = ratesOf(coarser(activity, TABLE_ROWS), now());
  const columns = [
    { name: 'From' },
    { name: 'Ended a minute', isNumber: true },
    { name: 'Of them failed', isNumber: true },
  ];
  return (
    <Table caption={label} columns={columns}>
      {rows.atMs.map((atMs, i) => (
        <tr key={atMs}>
          <th scope="row">{hourMinute(atMs)}</th>
          <RateCell value={rows.ended[i]} />
          <RateCell value={rows.failed[i]} />
        </tr>
      ))}
    </Table>
  );
}

function RateCell({ value }: { readonly value: number | null | undefined }): JSX.Element {
  return <td class="number">{typeof value === 'number' ? rate(value) : <Nothing />}</td>;
}

interface PlotProps {
  readonly rates: RateColumns;
  readonly label: string;
  /** The one under the pointer. */
  readonly slot: number | null;
  readonly onSlot: (slot: number | null) => void;
}

function Plot({ rates, label, slot, onSlot }: PlotProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const place = box.current;
    if (place === null) return undefined;
    const size = new ResizeObserver(() => setWidth(place.clientWidth));
    size.observe(place);
    return () => size.disconnect();
  }, []);

  const areas = areasOf(rates, { width: Math.max(width, 200), height: HEIGHT });
  const bottom = HEIGHT - MARGIN.bottom;
  return (
    <div
      class="plot"
      ref={box}
      role="img"
      aria-label={label}
      onPointerMove={({ clientX, currentTarget }) =>
        onSlot(slotAt(areas.xs, clientX - currentTarget.getBoundingClientRect().left))
      }
      onPointerLeave={() => onSlot(null)}
    >
      {width > 0 && (
        <svg width={width} height={HEIGHT} aria-hidden="true">
          {areas.rows.map(({ at, text }) => (
            <g key={at}>
              <line x1={MARGIN.left} x2={width - MARGIN.right} y1={at} y2={at} />
              <text x={MARGIN.left - 8} y={at + 4} text-anchor="end">
                {text}
              </text>
            </g>
          ))}
          {areas.columns.map(({ at, text }) => (
            <text key={at} x={Math.min(at, width - LABEL_HALF_PX)} y={HEIGHT - 6} text-anchor="middle">
              {text}
            </text>
          ))}
          <path class="done area" d={areas.done} />
          <path class="failed area" d={areas.failed} />
          <path class="done" d={areas.doneEdge} />
          <path class="failed" d={areas.failedEdge} />
          {slot !== null && <line class="cursor" x1={areas.xs[slot]} x2={areas.xs[slot]} y1={MARGIN.top} y2={bottom} />}
        </svg>
      )}
    </div>
  );
}
