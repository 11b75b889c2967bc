/** What a monitor is told of a spool: from figures and their limits to good, warning or critical, and the figures as Nagios reads them. Pure. */
import { some, span } from '../../../job/text.ts';

/** Of the monitoring plugins: https://www.monitoring-plugins.org/doc/guidelines.html */
export const STATUS_CODES = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

export interface Verdict {
  readonly status: keyof typeof STATUS_CODES;
  /** What is wrong, the worst first. */
  readonly problems: readonly string[];
}

/** Null where nothing is asked. */
export interface Limits {
  readonly maxAgeMs: number | null;
  readonly maxFailed: number | null;
  readonly maxDelayMs: number | null;
  /** Only jobs count that failed within this time. */
  readonly sinceMs: number | null;
}

/** Figures of the queues that are looked at, without paused ones. */
export interface CheckFacts {
  /** For how long the job waits that has been ready for longest. */
  readonly ageMs: number;
  /** How long ago a job was due that is delayed still. */
  readonly lateMs: number;
  readonly ready: number;
  readonly delayed: number;
  readonly running: number;
  /** At most one more than there may be; null: not counted. */
  readonly failed: number | null;
  readonly parked: number;
  /** Processes that take jobs. */
  readonly workers: number;
  /** Jobs are being restored after a power cut, or wait for that. */
  readonly isRestoring: boolean;
}

export function verdictOf(facts: CheckFacts, limits: Limits): Verdict {
  const critical = criticalOf(facts, limits);
  const warnings = warningsOf(facts, limits);
  const status = critical.length > 0 ? 'critical' : warnings.length > 0 ? 'warning' : 'ok';
  return { status, problems: [...critical, ...warnings] };
}

function criticalOf({ ageMs, lateMs, failed, workers }: CheckFacts, limits: Limits): readonly string[] {
  const { maxAgeMs, maxFailed, maxDelayMs, sinceMs } = limits;
  const problems: string[] = [];
  if (maxAgeMs !== null && ageMs > maxAgeMs)
    problems.push(
      `the oldest ready job waits ${span(ageMs)} (at most ${span(maxAgeMs)})${workers === 0 ? ', and no worker runs' : ''}`,
    );
  if (maxFailed !== null && failed !== null && failed > maxFailed) {
    const within = sinceMs === null ? '' : ` within ${span(sinceMs)}`;
    problems.push(`more than ${some(maxFailed, 'job')} failed${within}`);
  }
  if (maxDelayMs !== null && lateMs > maxDelayMs)
    problems.push(`a delayed job was due ${span(lateMs)} ago (at most ${span(maxDelayMs)})`);
  return problems;
}

function warningsOf({ ready, workers, parked, isRestoring }: CheckFacts, { maxAgeMs }: Limits): readonly string[] {
  const problems: string[] = [];
  // With a limit it may be meant so: cron starts one now and then.
  if (ready > 0 && workers === 0 && maxAgeMs === null)
    problems.push(`${some(ready, 'job')} ${ready === 1 ? 'is' : 'are'} ready and no worker runs`);
  if (parked > 0)
    problems.push(`${some(parked, 'job')} ${parked === 1 ? 'is' : 'are'} parked: no worker knows the task`);
  if (isRestoring) problems.push('jobs are restored after a power cut, and may be missing here');
  return problems;
}

/** `label=value[unit];[warning];[critical]`, and nothing where there is no limit. */
export function perfText(facts: CheckFacts, { maxAgeMs, maxFailed, maxDelayMs }: Limits): string {
  const { ageMs, lateMs, ready, delayed, running, failed, parked, workers } = facts;
  const critical = (limit: number | null): string => (limit === null ? '' : `;;${limit}`);
  const time = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1_000));
  return [
    `age=${time(ageMs)}s${critical(time(maxAgeMs))}`,
    `late=${time(lateMs)}s${critical(time(maxDelayMs))}`,
    `ready=${ready}`,
    `delayed=${delayed}`,
    `running=${running}`,
    ...(failed === null ? [] : [`failed=${failed}${critical(maxFailed)}`]),
    `parked=${parked}`,
    `workers=${workers}`,
  ].join(' ');
}
