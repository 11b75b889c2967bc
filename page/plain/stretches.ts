/** A job's life as stretches of a bar: how much of it each takes. Pure. */
import type { JobDetail, JobStretch } from '../../src/ui/wire.ts';

export interface PlacedStretch {
  readonly stretch: JobStretch;
  /** Null where one end is not known; of one that goes on, up to now. */
  readonly tookMs: number | null;
  /** Parts of the whole bar, 0 to 1; what took no time still has a little, so that it is seen. */
  readonly part: number;
}

const LEAST = 0.01;

export function placed(stretches: readonly JobStretch[], nowMs: number): readonly PlacedStretch[] {
  const took = stretches.map(({ fromMs, toMs, end }) =>
    fromMs === null || (toMs === null && !goesOn(end)) ? null : Math.max(0, (toMs ?? nowMs) - fromMs),
  );
  const whole = took.reduce<number>((total, ms) => total + (ms ?? 0), 0);
  const raw = took.map((ms) => Math.max(LEAST, whole === 0 ? 1 : (ms ?? 0) / whole));
  const all = raw.reduce((total, part) => total + part, 0);
  return stretches.map((stretch, i) => ({ stretch, tookMs: took[i] ?? null, part: (raw[i] ?? 0) / all }));
}

/** How long it waited and ran, as far as that is known; null where it did, and nobody knows how long. */
export function totalsOf(stretches: readonly PlacedStretch[]): Pick<JobDetail, 'waitedMs' | 'ranMs'> {
  const of = (kind: JobStretch['kind']): number | null => {
    const all = stretches.filter(({ stretch }) => stretch.kind === kind);
    const known = all.flatMap(({ tookMs }) => tookMs ?? []);
    return all.length > 0 && known.length === 0 ? null : known.reduce((total, ms) => total + ms, 0);
  };
  return { waitedMs: of('waited'), ranMs: of('ran') };
}

/** It waits or runs just now. */
function goesOn(end: JobStretch['end']): boolean {
  return end === 'runs' || end === null;
}
