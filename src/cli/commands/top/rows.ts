/** The rows of each kind: what their cells say, what they are found by, and what may be done with them. Pure. */
import { isChildOf, processText } from '../../../app/telling/standstill.ts';
import type { OwnerInfo } from '../../../broker/broker.ts';
import { span } from '../../../job/text.ts';
import { type Colour, stateColour } from '../../terminal/colour.ts';
import { type Piece, piece } from './screen/line.ts';
import type { JobSight } from './looker/reports.ts';
import type { Column } from './screen/table.ts';

/** What a row stands for, for those who act on it. */
export type Subject =
  | { readonly kind: 'job'; readonly id: string; readonly task: string; readonly state: JobSight['state'] }
  | { readonly kind: 'queue'; readonly name: string; readonly isPaused: boolean }
  | {
      readonly kind: 'schedule';
      readonly name: string;
      readonly isPaused: boolean;
      readonly pattern: string;
      readonly isHere: boolean;
      readonly lastId: string | null;
    }
  | { readonly kind: 'worker'; readonly process: string };

export interface Row {
  /** Its own among all rows. */
  readonly key: string;
  readonly subject: Subject;
  readonly cells: readonly Piece[];
  /** Where a filter looks, in lower case. */
  readonly text: string;
}

/**
 * How much of an id is shown: its time, and the count that tells jobs apart which one program sent at one time; or more. All commands take it,
 * as they take any beginning.
 */
export const SHORT_ID = 18;
const ID_LENGTHS = [SHORT_ID, 23] as const;
const WHOLE_ID = 36;

const ID: Column = { title: 'ID', least: SHORT_ID, most: WHOLE_ID, rank: 4 };
const TASK: Column = { title: 'TASK', least: 10, most: 32, rank: 0 };
const QUEUE: Column = { title: 'QUEUE', least: 6, most: 20, rank: 5 };
const ATTEMPT: Column = { title: 'TRY', least: 3, isRight: true, rank: 6 };
const ERROR: Column = { title: 'ERROR', least: 24, rank: 3 };

export const RUNNING_COLUMNS: readonly Column[] = [
  TASK,
  { title: 'FOR', least: 5, isRight: true, rank: 1 },
  { title: 'PROGRESS', least: 5, most: 24, rank: 2 },
  ID,
  QUEUE,
  ATTEMPT,
  { title: 'PID', least: 5, isRight: true, rank: 7 },
];

export function runningRow(job: JobSight, owners: readonly OwnerInfo[], nowMs: number, idLength: number): Row {
  const child = owners.find(({ owner }) => owner === job.owner);
  const parent = owners.find(({ owner }) => owner === child?.parent);
  const pids = [child, parent].map((one) => (one === undefined ? '' : `pid ${processText(one)}`));
  return jobRow(
    job,
    [
      piece(taskOf(job), 'cyan'),
      piece(job.startedAtMs === null ? '-' : span(nowMs - job.startedAtMs)),
      piece(job.progress ?? '-'),
      idPiece(job, idLength),
      piece(job.queue),
      piece(String(job.attempt)),
      piece(child === undefined ? '-' : processText(child)),
    ],
    pids,
  );
}

export const PENDING_COLUMNS: readonly Column[] = [TASK, { title: 'SENT', least: 7, rank: 1 }, ID, QUEUE, ATTEMPT];

export function pendingRow(job: JobSight, nowMs: number, idLength: number): Row {
  return jobRow(job, [
    piece(taskOf(job)),
    piece(agoText(job.sentAtMs, nowMs)),
    idPiece(job, idLength),
    piece(job.queue),
    piece(String(job.attempt)),
  ]);
}

export const DELAYED_COLUMNS: readonly Column[] = [
  TASK,
  { title: 'DUE', least: 8, most: 22, rank: 1 },
  ID,
  QUEUE,
  ATTEMPT,
  { ...ERROR, title: 'WHY IT WAITS', rank: 2 },
];

export function delayedRow(job: JobSight, nowMs: number, idLength: number): Row {
  return jobRow(job, [
    piece(taskOf(job)),
    dueOf(job, nowMs),
    idPiece(job, idLength),
    piece(job.queue),
    piece(String(job.attempt)),
    job.parked === null ? piece(job.error ?? '') : piece(`parked: ${job.parked}`, 'yellow'),
  ]);
}

function dueOf({ dueAtMs, after }: JobSight, nowMs: number): Piece {
  if (dueAtMs !== null) return piece(dueAtMs <= nowMs ? 'now' : `in ${span(dueAtMs - nowMs)}`);
  return piece(after === 0 ? '-' : `after ${after} ${after === 1 ? 'job' : 'jobs'}`, 'dim');
}

export const FAILED_COLUMNS: readonly Column[] = [
  TASK,
  { title: 'ENDED', least: 8, rank: 1 },
  { title: 'STATE', least: 7, rank: 2 },
  ID,
  QUEUE,
  ATTEMPT,
  ERROR,
];

export function failedRow(job: JobSight, nowMs: number, idLength: number): Row {
  return jobRow(job, [
    piece(taskOf(job), stateColour(job.state)),
    piece(agoText(job.endedAtMs, nowMs)),
    piece(job.state),
    idPiece(job, idLength),
    piece(job.queue),
    piece(String(job.attempt)),
    piece(job.error ?? ''),
  ]);
}

/** The same, of one that somebody has stopped. */
export function revokedRow(job: JobSight, nowMs: number, idLength: number): Row {
  const row = failedRow(job, nowMs, idLength);
  return { ...row, cells: row.cells.map((cell) => ({ ...cell, colour: 'dim' })) };
}

/** @param more texts by which it is found */
function jobRow(job: JobSight, cells: readonly Piece[], more: readonly string[] = []): Row {
  const { id, task, queue, state, error, parked } = job;
  const subject = { kind: 'job', id, task: taskOf(job), state } as const;
  return {
    key: `job:${id}`,
    subject,
    cells,
    text: [id, task, `queue ${queue}`, state, error, parked, ...more].join('\n').toLowerCase(),
  };
}

export const WORKER_COLUMNS: readonly Column[] = [
  { title: 'PID', least: 6, rank: 0 },
  { title: 'UP', least: 5, isRight: true, rank: 2 },
  { title: 'BUSY', least: 5, isRight: true, rank: 1 },
  { title: 'QUEUES', least: 6, most: 30, rank: 3 },
  { title: 'TASKS', least: 8, rank: 4 },
];

/** A worker with its children, or a process that runs jobs without one. */
export function workerRow(
  worker: OwnerInfo,
  children: readonly OwnerInfo[],
  running: readonly JobSight[],
  nowMs: number,
): Row {
  const own = [worker, ...children];
  const owners = own.map(({ owner }) => owner);
  const busy = running.filter(({ owner }) => owner !== null && owners.includes(owner)).length;
  const slots = children.reduce((sum, child) => sum + child.slots, 0) || worker.slots;
  const tasks = [...new Set(own.flatMap((one) => one.tasks))].toSorted();
  const queues = worker.queues === null ? 'all' : worker.queues.join(', ');
  const state: Readonly<Record<OwnerInfo['verdict'], Colour | null>> = { alive: null, dead: 'red', unknown: 'yellow' };
  const isWell = worker.verdict === 'alive';
  return {
    key: `worker:${worker.owner}`,
    subject: { kind: 'worker', process: processText(worker) },
    cells: [
      piece(processText(worker), state[worker.verdict]),
      piece(isWell ? span(nowMs - worker.startedAtMs) : worker.verdict, state[worker.verdict]),
      piece(isWell ? `${busy}/${slots}` : '-', busy > 0 ? 'cyan' : null),
      piece(queues),
      piece(tasks.join(', ')),
    ],
    text: [processText(worker), queues, ...tasks, ...owners].join('\n').toLowerCase(),
  };
}

/** Each supervisor, and each process that has none, with what belongs to it. */
export function crewsOf(owners: readonly OwnerInfo[]): readonly (readonly [OwnerInfo, readonly OwnerInfo[]])[] {
  const supervisors = owners.filter(({ role }) => role === 'supervisor');
  const alone = owners.filter(
    (one) => one.role !== 'supervisor' && !supervisors.some((other) => isChildOf(one, other)),
  );
  return [...supervisors, ...alone].map((worker) => [worker, owners.filter((one) => isChildOf(one, worker))]);
}

export const SCHEDULE_COLUMNS: readonly Column[] = [
  { title: 'SCHEDULE', least: 8, most: 32, rank: 0 },
  { title: 'NEXT', least: 7, rank: 1 },
  { title: 'WHEN', least: 8, most: 32, rank: 3 },
  { title: 'TASK', least: 8, most: 32, rank: 4 },
  { title: 'LAST', least: 10, rank: 2 },
];

/** A schedule of the configuration here, of the broker, or of both. */
export interface ScheduleLine {
  readonly name: string;
  /** Null: it is not in the configuration here. */
  readonly task: string | null;
  readonly pattern: string | null;
  readonly isPaused: boolean;
  readonly nextMs: number | null;
  readonly lastMs: number | null;
  readonly lastId: string | null;
  readonly lastState: JobSight['state'] | null;
}

export function scheduleRow(line: ScheduleLine, nowMs: number): Row {
  const { name, task, pattern, isPaused, nextMs, lastMs, lastId, lastState } = line;
  const next = nextMs === null ? '-' : `in ${span(nextMs - nowMs)}`;
  return {
    key: `schedule:${name}`,
    subject: { kind: 'schedule', name, isPaused, pattern: pattern ?? '', isHere: task !== null, lastId },
    cells: [
      piece(name),
      isPaused ? piece('paused', 'yellow') : piece(next),
      piece(pattern ?? '-'),
      task === null ? piece('(not in fsq.config)', 'dim') : piece(task),
      lastMs === null
        ? piece('-')
        : piece(
            `${span(nowMs - lastMs)} ago, ${lastState ?? 'forgotten'}`,
            lastState === null ? null : stateColour(lastState),
          ),
    ],
    text: [name, task, pattern, lastState, lastId].join('\n').toLowerCase(),
  };
}

/** With commas between thousands, so that very many can be told from many. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

function taskOf({ task }: JobSight): string {
  return task ?? '(unreadable)';
}

/** How much of their ids tells these jobs apart. */
export function idLengthFor(jobs: readonly JobSight[]): number {
  const tells = (length: number): boolean => new Set(jobs.map(({ id }) => id.slice(0, length))).size === jobs.length;
  return ID_LENGTHS.find(tells) ?? WHOLE_ID;
}

function idPiece({ id }: JobSight, idLength: number): Piece {
  return piece(id.slice(0, idLength), 'dim');
}

function agoText(ms: number | null, nowMs: number): string {
  return ms === null ? '-' : `${span(nowMs - ms)} ago`;
}
