/** How long jobs waited and ran: the time that half, 95 and 99 of 100 did not exceed. */
import type { JSX } from 'preact';
import type { Activity, Quantiles } from '../../../src/ui/wire.ts';
import { Empty, Table } from '../../parts/panel.tsx';
import { Nothing, Span } from '../../parts/time.tsx';

const QUANTILES = ['p50', 'p95', 'p99'] as const;

export function Times({ activity }: { readonly activity: Activity }): JSX.Element {
  if (activity.wait === null && activity.run === null) {
    return (
      <Empty title="No job has ended in this time.">
        <p class="dim">Workers count how long jobs wait and run; the times stand here then.</p>
      </Empty>
    );
  }
  const columns = [{ name: 'Time' }, ...QUANTILES.map((name) => ({ name, isNumber: true }))];
  return (
    <>
      <Table caption="How long jobs waited and ran" columns={columns} class="times">
        <Row name="waited" times={activity.wait} />
        <Row name="ran" times={activity.run} />
      </Table>
      <p class="dim">Of 100 jobs, 50, 95, 99 took at most this.</p>
    </>
  );
}

function Row({ name, times }: { readonly name: string; readonly times: Quantiles | null }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      {QUANTILES.map((quantile) => (
        <td key={quantile} class="number big">
          {times === null ? <Nothing /> : <Span ms={times[quantile]} />}
        </td>
      ))}
    </tr>
  );
}
