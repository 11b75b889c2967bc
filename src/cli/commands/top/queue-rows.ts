/** The queues: what is known of each, and its row. Pure. */
import { livingRunners, livingWorkers } from '../../../app/telling/runners.ts';
import { isChildOf } from '../../../app/telling/standstill.ts';
import type { OwnerInfo } from '../../../broker/broker.ts';
import { addHistogram, emptyHistogram, type Histogram, quantileOf } from '../../../broker/figures/histogram.ts';
import type { TaskFigures } from '../../../broker/statistics.ts';
import { span } from '../../../job/text.ts';
import { countText, type Row } from './rows.ts';
import { type Piece, piece } from './screen/line.ts';
import type { Column } from './screen/table.ts';
import type { Known } from './state.ts';

export const QUEUE_COLUMNS: readonly Column[] = [
  { title: 'QUEUE', least: 8, most: 32, rank: 0 },
  { title: 'WAITING', least: 5, isRight: true, rank: 1 },
  { title: 'RUNNING', least: 5, isRight: true, rank: 2 },
  { title: 'ENDED', least: 5, isRight: true, rank: 4 },
  { title: 'FAILED', least: 5, isRight: true, rank: 3 },
  { title: 'WAIT p95', least: 6, isRight: true, rank: 6 },
  { title: 'RUN p95', least: 6, isRight: true, rank: 7 },
  { title: 'WORKERS', least: 8, most: 30, rank: 5 },
];

/** What is known of a queue; null: nobody has counted it yet. */
export interface QueueSight {
  readonly name: string;
  readonly isPaused: boolean;
  readonly waiting: number | null;
  readonly running: number;
  readonly ended: number;
  readonly failed: number;
  readonly waitMs: number | null;
  readonly runMs: number | null;
  /** Those that take jobs of it. */
  readonly workers: number;
}

export function queueRow(queue: QueueSight): Row {
  const { name, isPaused, waiting, running, ended, failed, waitMs, runMs, workers } = queue;
  const takers: Piece = isPaused
    ? piece('paused', 'yellow')
    : workers > 0
      ? piece(String(workers))
      : piece('none takes it', (waiting ?? 0) > 0 ? 'red' : 'dim');
  return {
    key: `queue:${name}`,
    subject: { kind: 'queue', name, isPaused },
    cells: [
      piece(name, isPaused ? 'yellow' : null),
      piece(waiting === null ? '…' : countText(waiting)),
      piece(countText(running), running > 0 ? 'cyan' : null),
      piece(countText(ended)),
      piece(countText(failed), failed > 0 ? 'red' : null),
      piece(waitMs === null ? '-' : span(waitMs)),
      piece(runMs === null ? '-' : span(runMs)),
      takers,
    ],
    text: `${name}\n${isPaused ? 'paused' : ''}`.toLowerCase(),
  };
}

/** Every queue that anything tells of, by name. */
export function queueSights({ facts, counted }: Known): readonly QueueSight[] {
  if (facts === null) return [];
  const { paused, owners, statistics, running: jobs } = facts;
  const waiting = counted?.backlog.queues ?? {};
  const names = [
    ...Object.keys(waiting),
    ...paused,
    ...jobs.jobs.map(({ queue }) => queue),
    ...statistics.tasks.map(({ queue }) => queue),
    ...owners.flatMap((owner) => owner.queues ?? []),
  ];
  return [...new Set(names)].toSorted().map((name) => ({
    name,
    isPaused: paused.includes(name),
    waiting: counted === null ? null : (waiting[name] ?? 0),
    running: jobs.jobs.filter(({ queue }) => queue === name).length,
    ...figuresOf(statistics.tasks.filter(({ queue }) => queue === name)),
    workers: workersFor(name, owners),
  }));
}

/** How many workers have a process that takes jobs of the queue. */
function workersFor(queue: string, owners: readonly OwnerInfo[]): number {
  const takers = livingRunners(owners).filter(({ queues: own }) => own === null || own.includes(queue));
  return livingWorkers(owners).filter((worker) => takers.some((taker) => taker === worker || isChildOf(taker, worker)))
    .length;
}

function figuresOf(tasks: readonly TaskFigures[]): Pick<QueueSight, 'ended' | 'failed' | 'waitMs' | 'runMs'> {
  const sum = (of: (task: TaskFigures) => number): number => tasks.reduce((total, task) => total + of(task), 0);
  const of95 = (of: (task: TaskFigures) => Histogram): number | null => {
    const all = emptyHistogram();
    for (const task of tasks) addHistogram(all, of(task));
    return quantileOf(all, 0.95);
  };
  return {
    ended: sum(({ ended }) => Object.values(ended).reduce((total, count) => total + count, 0)),
    failed: sum(({ ended }) => ended.failed),
    waitMs: of95(({ wait }) => wait),
    runMs: of95(({ run }) => run),
  };
}
