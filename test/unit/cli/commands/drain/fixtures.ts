/** What a drain came to, with right values where a test says nothing. */
import type { RunReport, Trouble } from '../../../../../src/cli/commands/drain/report.ts';

export function trouble(parts: Partial<Trouble> = {}): Trouble {
  return { id: '01a2-1', task: 'send', state: 'failed', attempts: 1, ms: 20, error: null, output: [], ...parts };
}

export function report(parts: Partial<RunReport> = {}): RunReport {
  return {
    spool: '/spool',
    startedAtMs: Date.UTC(2026, 10, 27, 1, 2, 3, 4),
    tookMs: 3_200,
    tasks: [],
    retries: 0,
    troubles: [],
    good: [],
    stuck: [],
    unfinished: 0,
    places: new Map(),
    end: { kind: 'done' },
    exitCode: 0,
    ...parts,
  };
}
