/** What a tab holds: tables with their rows, as far as its filter lets them through. Pure. */
import type { JobList, JobSight } from './looker/reports.ts';
import { QUEUE_COLUMNS, queueRow, queueSights } from './queue-rows.ts';
import {
  crewsOf,
  DELAYED_COLUMNS,
  delayedRow,
  FAILED_COLUMNS,
  failedRow,
  idLengthFor,
  PENDING_COLUMNS,
  pendingRow,
  revokedRow,
  type Row,
  RUNNING_COLUMNS,
  runningRow,
  SCHEDULE_COLUMNS,
  type ScheduleLine,
  scheduleRow,
  WORKER_COLUMNS,
  workerRow,
} from './rows.ts';
import type { Known, State, Tab } from './state.ts';
import type { Column } from './screen/table.ts';

export interface Section {
  /** Null where the tab says it. */
  readonly title: string | null;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What stands there when there are no rows. */
  readonly empty: string;
}

/** How many jobs of each kind stand on the home screen. */
const MOST_AT_HOME = 10;

/** Of the last state that was asked for: each is asked for several times while it is drawn. */
let last: { readonly key: readonly unknown[]; readonly sections: readonly Section[] } | null = null;

/** The tables of the tab that is shown. */
export function sectionsOf({ tab, known, nowMs, places }: State): readonly Section[] {
  const filter = places[tab].filter.toLowerCase();
  const key = [tab, known, nowMs, filter];
  if (last === null || !last.key.every((part, i) => part === key[i]))
    last = { key, sections: filtered(SECTIONS[tab](known, nowMs), filter) };
  return last.sections;
}

function filtered(sections: readonly Section[], filter: string): readonly Section[] {
  if (filter === '') return sections;
  return sections.map((section) => ({
    ...section,
    rows: section.rows.filter(({ text }) => text.includes(filter)),
    empty: section.rows.length === 0 ? section.empty : 'Nothing here has that text.',
  }));
}

export function rowsOf(state: State): readonly Row[] {
  return sectionsOf(state).flatMap(({ rows }) => rows);
}

const LOOKING = 'Looking …';

const SECTIONS: Readonly<Record<Tab, (known: Known, nowMs: number) => readonly Section[]>> = {
  home: (known, nowMs) => [
    { ...running(known, nowMs, MOST_AT_HOME), title: 'running now' },
    { ...failed(known, nowMs, MOST_AT_HOME), title: 'latest failures' },
  ],
  running: (known, nowMs) => [running(known, nowMs)],
  queues: (known, nowMs) => [queues(known), { ...pending(known, nowMs), title: 'next to run' }],
  delayed: (known, nowMs) => [
    section(
      known.delayed,
      DELAYED_COLUMNS,
      (job, idLength) => delayedRow(job, nowMs, idLength),
      'No job waits for a time or for another job.',
    ),
  ],
  failed: (known, nowMs) => [failed(known, nowMs), ...revoked(known, nowMs)],
  workers: (known, nowMs) => [workers(known, nowMs)],
  schedules: (known, nowMs) => [schedules(known, nowMs)],
};

function section(
  list: JobList | null,
  columns: readonly Column[],
  row: (job: JobSight, idLength: number) => Row,
  empty: string,
  most = Number.POSITIVE_INFINITY,
): Section {
  const jobs = list?.jobs.slice(0, most) ?? [];
  const idLength = idLengthFor(jobs);
  return {
    title: null,
    columns,
    rows: jobs.map((job) => row(job, idLength)),
    empty: list === null ? LOOKING : empty,
  };
}

/** Those that have run longest come first. */
function running({ facts }: Known, nowMs: number, most?: number): Section {
  const jobs = facts?.running.jobs.toSorted((a, b) => (a.startedAtMs ?? nowMs) - (b.startedAtMs ?? nowMs));
  const list = facts === null || jobs === undefined ? null : { ...facts.running, jobs };
  return section(
    list,
    RUNNING_COLUMNS,
    (job, idLength) => runningRow(job, facts?.owners ?? [], nowMs, idLength),
    'No job is running.',
    most,
  );
}

function pending({ pending: list }: Known, nowMs: number): Section {
  return section(
    list,
    PENDING_COLUMNS,
    (job, idLength) => pendingRow(job, nowMs, idLength),
    'No job waits for a worker.',
  );
}

function failed({ failed: list }: Known, nowMs: number, most?: number): Section {
  const empty = list?.isAll === false ? 'None of the jobs that ended last has failed.' : 'No job has failed.';
  const jobs = list === null ? null : { ...list, jobs: failuresIn(list) };
  return section(jobs, FAILED_COLUMNS, (job, idLength) => failedRow(job, nowMs, idLength), empty, most);
}

/** Those that somebody has stopped have not failed: they stand behind the others, and only where there are some. */
function revoked({ failed: list }: Known, nowMs: number): readonly Section[] {
  const jobs = list?.jobs.filter(({ state }) => state === 'revoked') ?? [];
  if (list === null || jobs.length === 0) return [];
  const row = (job: JobSight, idLength: number): Row => revokedRow(job, nowMs, idLength);
  return [{ ...section({ ...list, jobs }, FAILED_COLUMNS, row, ''), title: 'revoked' }];
}

/** The jobs that failed, or expired. */
export function failuresIn({ jobs }: JobList): readonly JobSight[] {
  return jobs.filter(({ state }) => state !== 'revoked');
}

function queues(known: Known): Section {
  const rows = queueSights(known).map(queueRow);
  return {
    title: null,
    columns: QUEUE_COLUMNS,
    rows,
    empty: known.facts === null ? LOOKING : 'There are no queues yet.',
  };
}

function workers({ facts }: Known, nowMs: number): Section {
  const crews = facts === null ? [] : crewsOf(facts.owners);
  const jobs = facts?.running.jobs ?? [];
  const rows = crews.map(([worker, children]) => workerRow(worker, children, jobs, nowMs));
  return {
    title: null,
    columns: WORKER_COLUMNS,
    rows,
    empty: facts === null ? LOOKING : 'No worker is running. `fsq worker` starts one.',
  };
}

function schedules(known: Known, nowMs: number): Section {
  const rows = scheduleLines(known, nowMs).map((line) => scheduleRow(line, nowMs));
  const empty = 'There are no schedules: they are `schedules` in fsq.config.';
  return { title: null, columns: SCHEDULE_COLUMNS, rows, empty: known.schedules === null ? LOOKING : empty };
}

/** Those of the configuration, then others that the broker knows. */
function scheduleLines({ schedules: sights, configured }: Known, nowMs: number): readonly ScheduleLine[] {
  const kept = sights ?? [];
  const others = kept.filter(({ record }) => !configured.some(({ name }) => name === record.name));
  const names = [...configured.map(({ name }) => name), ...others.map(({ record }) => record.name)];
  return names.map((name) => {
    const here = configured.find((one) => one.name === name);
    const sight = kept.find(({ record }) => record.name === name);
    const record = sight?.record;
    const isPaused = record?.isPaused ?? false;
    return {
      name,
      task: here?.task ?? null,
      pattern: here?.patternText ?? record?.pattern ?? null,
      isPaused,
      // What was done may lie a little ahead: somebody has set the clock back.
      nextMs: isPaused ? null : (here?.times.next(Math.max(nowMs, record?.doneMs ?? 0)) ?? null),
      lastMs: record?.last?.atMs ?? null,
      lastId: record?.last?.id ?? null,
      lastState: sight?.lastState ?? null,
    };
  });
}
