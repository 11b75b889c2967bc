/** `fsq status` for people. Pure. */
import { escape } from '../../../job/text.ts';
import { span } from '../../ages.ts';
import type { StatusReport, WorkerStatus } from './status-report.ts';

/** More children than this are counted, not listed. */
const MAX_PIDS = 8;

export function statusText(report: StatusReport, nowMs: number): string {
  const {
    spool,
    jobs,
    oldestPendingAtMs,
    oldestRunningAtMs,
    queues,
    paused,
    workers,
    tasks,
    isParkedComplete,
    advice,
  } = report;
  const ages: Readonly<Record<string, string>> = {
    ...(oldestPendingAtMs === null ? {} : { pending: `   the oldest was sent ${span(nowMs - oldestPendingAtMs)} ago` }),
    ...(oldestRunningAtMs === null ? {} : { running: `   the oldest began ${span(nowMs - oldestRunningAtMs)} ago` }),
  };
  const names = Object.keys(queues);
  const isOneQueue = names.length <= 1 && (names[0] ?? 'default') === 'default';
  const width = String(Math.max(...Object.values(jobs))).length;
  const lines = [
    field('spool', spool),
    '',
    ...Object.entries(jobs).map(([state, count]) =>
      field(state, `${String(count).padStart(width)}${ages[state] ?? ''}`),
    ),
    ...(isOneQueue ? [] : [field('queues', names.map((name) => `${name} ${queues[name]}`).join(', '))]),
    ...(paused.length === 0 ? [] : [field('paused', paused.join(', '))]),
    '',
    ...(workers.length === 0
      ? [field('workers', 'none')]
      : workers.map((worker, i) => field(i === 0 ? 'workers' : '', workerText(worker, nowMs)))),
    ...(tasks.length === 0 ? [] : [field('tasks', tasks.join(', '))]),
    ...(isParkedComplete ? [] : [field('parked', 'only the first delayed jobs were read to find parked ones')]),
    ...(advice.length === 0 ? [] : ['', ...advice.map((text) => `! ${escape(text)}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

function workerText({ pid, startedAtMs, queues, children }: WorkerStatus, nowMs: number): string {
  const pids = children.length <= MAX_PIDS && children.length > 0 ? ` (${children.join(', ')})` : '';
  const staff =
    children.length === 0 ? '' : `, ${children.length} ${children.length === 1 ? 'child' : 'children'}${pids}`;
  return `pid ${pid}${staff}, ${queues === null ? 'all queues' : `queues ${queues.join(', ')}`}, up ${span(nowMs - startedAtMs)}`;
}

function field(label: string, text: string): string {
  return `${label.padEnd(9)} ${escape(text)}`.trimEnd();
}
