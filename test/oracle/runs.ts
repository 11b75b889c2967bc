/** Runs held against each other: never two at a time (I6), no more than deaths explain (I7), counters that grow (I12), order (I15). Pure. */
import type { Finding } from '../../src/spool/doctor/finding.ts';
import { deathOf, type Journal, type JournalRun, runsById } from './journal.ts';

export function runFindings(journal: Journal): readonly Finding[] {
  return [
    ...[...runsById(journal).values()].flatMap((runs) =>
      runs.flatMap((run, i) => {
        const before = runs[i - 1];
        return before === undefined ? [] : pairFindings(journal, before, run);
      }),
    ),
    ...tooManyRuns(journal),
    ...orderFindings(journal),
  ];
}

/** What is wrong with `run` coming after `before`, both of one job. */
function pairFindings(journal: Journal, before: JournalRun, run: JournalRun): readonly Finding[] {
  const { id } = run;
  const cutAtMs = journal.powerCutsAtMs?.find((atMs) => atMs >= before.startedAtMs && atMs <= run.startedAtMs);
  const endedAtMs = before.endedAtMs ?? deathOf(journal, before) ?? cutAtMs ?? null;
  const pair = `attempt ${before.attempt} (pid ${before.pid}) and attempt ${run.attempt} (pid ${run.pid})`;
  if (endedAtMs === null || endedAtMs > run.startedAtMs) {
    return [broken('overlap', 'I6', id, `Job ${id} ran twice at a time: ${pair}.`)];
  }
  return cutAtMs !== undefined || run.attempt > before.attempt
    ? []
    : [broken('attempts-fall', 'I12', id, `The attempts of job ${id} did not grow: ${pair}.`)];
}

/** A run is explained by the first, by each retry, and by each run whose process died. */
function tooManyRuns(journal: Journal): readonly Finding[] {
  const { accepted = [], powerCutsAtMs = [] } = journal;
  const retries = new Map(accepted.map((job) => [job.id, job.retries ?? 0]));
  return [...runsById(journal)].flatMap(([id, runs]) => {
    const deaths = runs.slice(0, -1).filter((run) => deathOf(journal, run) !== null).length;
    const allowed = 1 + (retries.get(id) ?? 0) + deaths + powerCutsAtMs.length;
    if (runs.length <= allowed) return [];
    return [
      broken(
        'too-many-runs',
        'I7',
        id,
        `Job ${id} ran ${runs.length} times; ${allowed} are explained by retries and deaths.`,
      ),
    ];
  });
}

function orderFindings(journal: Journal): readonly Finding[] {
  if (journal.isFifo !== true) return [];
  const started = [...new Set((journal.runs ?? []).map(({ id }) => id))];
  const wasStarted = new Set(started);
  const expected = (journal.accepted ?? []).map(({ id }) => id).filter((id) => wasStarted.has(id));
  const at = expected.findIndex((id, i) => id !== started[i]);
  if (at === -1) return [];
  const id = expected[at] ?? '';
  return [
    broken(
      'out-of-order',
      'I15',
      id,
      `Job ${id} was accepted as number ${at + 1}, but ${started[at]} began before it.`,
    ),
  ];
}

export function broken(
  code: string,
  invariant: NonNullable<Finding['invariant']>,
  id: string,
  message: string,
): Finding {
  const advice = 'This must not happen: please report it, with the journal and the spool.';
  return { code, severity: 'error', invariant, id, message, location: null, advice, canRepair: false };
}
