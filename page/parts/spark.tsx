/** Drawings of one row: a line of what happened lately, bars of runs, a gauge. Each has its figures as its name. */
import type { JSX } from 'preact';
import type { StateName } from '../../src/ui/wire.ts';
import { barHeights, sparkPoints } from '../plain/activity.ts';
import { percent } from '../plain/format.ts';

const WIDTH = 96;
const HEIGHT = 20;

export function SparkLine({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}): JSX.Element {
  const points = sparkPoints(values, WIDTH, HEIGHT - 2);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <polygon points={`0,${HEIGHT - 1} ${points} ${WIDTH},${HEIGHT - 1}`} transform="translate(0 1)" />
      <polyline points={points} transform="translate(0 1)" />
    </svg>
  );
}

export interface Bar {
  readonly id: string;
  readonly value: number | null;
  readonly state: StateName;
  readonly title: string;
}

export function SparkBars({ bars, label }: { readonly bars: readonly Bar[]; readonly label: string }): JSX.Element {
  const heights = barHeights(
    bars.map((bar) => bar.value),
    HEIGHT,
  );
  const step = Math.min(8, WIDTH / Math.max(1, bars.length));
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {bars.map((bar, i) => {
        const height = heights[i] ?? 0;
        return (
          <rect key={bar.id} class={bar.state} x={i * step} y={HEIGHT - height} width={step - 1.5} height={height}>
            <title>{bar.title}</title>
          </rect>
        );
      })}
    </svg>
  );
}

/** How far something is, or how full. `part`: 0 to 1. */
export function Gauge({ part, label }: { readonly part: number; readonly label: string }): JSX.Element {
  return (
    <span class="gauge">
      <progress max={1} value={part} aria-label={label} />
      <span class="number">{percent(part)}</span>
    </span>
  );
}
