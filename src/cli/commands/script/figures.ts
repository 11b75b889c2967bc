/** What `fsq check` tells a monitor beside the verdict: its codes, and the figures as Nagios reads them. Pure. */
import type { HealthFacts, Limits } from '../../../app/telling/health.ts';

/** Of the monitoring plugins: https://www.monitoring-plugins.org/doc/guidelines.html */
export const STATUS_CODES = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

export interface CheckLimits extends Limits {
  /** Only jobs count that failed within this time. */
  readonly sinceMs: number | null;
}

/** Figures of the queues that are looked at, without paused ones. */
export interface CheckFacts extends HealthFacts {
  readonly delayed: number;
  readonly running: number;
  /** As `fsq status` lists them: not their children. */
  readonly workers: number;
}

/** The figures for programs. */
export function figuresOf(facts: CheckFacts): Readonly<Record<string, unknown>> {
  const { ageMs, lateMs, ready, delayed, running, failed, parked, workers, isRestoring } = facts;
  return { ageMs, lateMs, ready, delayed, running, failed: failed?.jobs ?? null, parked, workers, isRestoring };
}

/** `label=value[unit];[warning];[critical]`, and nothing where there is no limit. */
export function perfText(facts: CheckFacts, { maxAgeMs, maxFailed, maxDelayMs }: CheckLimits): string {
  const { ageMs, lateMs, ready, delayed, running, failed, parked, workers } = facts;
  const critical = (limit: number | null): string => (limit === null ? '' : `;;${limit}`);
  const time = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1_000));
  return [
    `age=${time(ageMs)}s${critical(time(maxAgeMs))}`,
    `late=${time(lateMs)}s${critical(time(maxDelayMs))}`,
    `ready=${ready}`,
    `delayed=${delayed}`,
    `running=${running}`,
    ...(failed === null ? [] : [`failed=${failed.jobs}${critical(maxFailed)}`]),
    `parked=${parked}`,
    `workers=${workers}`,
  ].join(' ');
}
