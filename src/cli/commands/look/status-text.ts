/** The report of `fsq status` for people. Pure. */
import type { Health } from '../../../app/telling/health.ts';
import { processText } from '../../../app/telling/standstill.ts';
import { LOSS_WORDS } from '../../../broker/common/restarts.ts';
import { escape, some, span } from '../../../job/text.ts';
import { fieldLines } from '../../display.ts';
import type { Paint } from '../../terminal/colour.ts';
import type { StatusReport, WorkerStatus } from '../../../app/telling/status-report.ts';

/** More children than this are counted, not listed. */
const MAX_PIDS = 8;

/** The report for people. */
export function statusText(report: StatusReport, nowMs: number, paint: Paint = (_colour, text) => text): string {
  const { jobs, longestWaitMs, oldestRunningAtMs, queues, paused, workers, tasks, advice } = report;
  const ages: Readonly<Record<string, string>> = {
    ...(longestWaitMs === null ? {} : { pending: `   the oldest waits ${span(longestWaitMs)}` }),
    ...(oldestRunningAtMs === null ? {} : { running: `   the oldest began ${span(nowMs - oldestRunningAtMs)} ago` }),
  };
  const names = Object.keys(queues);
  const isOneQueue = names.length <= 1 && (names[0] ?? 'default') === 'default';
  const width = String(Math.max(...Object.values(jobs))).length;
  const workerTexts = workers.length === 0 ? ['none'] : workers.map((worker) => workerText(worker, nowMs));
  const lines = [
    verdictText(report.verdict, paint),
    ...fieldLines([
      ['spool', report.spool],
      ['broker', report.broker],
    ]),
    '',
    ...fieldLines([
      ...Object.entries(jobs).map(
        ([state, count]) => [state, `${String(count).padStart(width)}${ages[state] ?? ''}`] as const,
      ),
      ['failures', failuresText(report)],
      ['queues', isOneQueue ? null : names.map((name) => `${name} ${queues[name]}`).join(', ')],
      ['paused', paused.length === 0 ? null : paused.join(', ')],
      ['rate', rateText(report)],
    ]),
    '',
    ...fieldLines([
      ...workerTexts.map((text, i) => [i === 0 ? 'workers' : '', text] as const),
      ['tasks', tasks.length === 0 ? null : tasks.join(', ')],
      ['parked', report.isParkedComplete ? null : 'only the first delayed jobs were read to find parked ones'],
    ]),
    ...(advice.length === 0 ? [] : ['', ...advice.map((text) => `! ${escape(text)}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

function workerText(worker: WorkerStatus, nowMs: number): string {
  const { startedAtMs, queues, children, slots, restarts } = worker;
  const pids = children.length <= MAX_PIDS ? ` (${children.join(', ')})` : '';
  const staff = children.length === 0 ? '' : `, ${some(children.length, 'child', 'children')}${pids}`;
  const each = slots === 1 ? '' : `, ${slots} slots in each`;
  return `pid ${processText(worker)}${staff}${each}, ${queues === null ? 'all queues' : `queues ${queues.join(', ')}`}, up ${span(nowMs - startedAtMs)}${restartsText(restarts, nowMs)}`;
}

/** '' where no child was replaced. */
function restartsText(restarts: WorkerStatus['restarts'], nowMs: number): string {
  if (restarts === null || restarts.count === 0) return '';
  const last =
    restarts.last === null
      ? ''
      : `, the last ${span(Math.max(0, nowMs - restarts.last.atMs))} ago: ${LOSS_WORDS[restarts.last.why]}`;
  return `, ${some(restarts.count, 'child', 'children')} replaced${last}`;
}

/** 'OK', or how bad it is and what is wrong. */
export function verdictText({ status, text }: Health, paint: Paint): string {
  const word = status.toUpperCase();
  return status === 'ok' ? paint('green', word) : `${paint(COLOURS[status], word)} ${escape(text)}`;
}

const COLOURS = { warning: 'yellow', critical: 'red' } as const;

/** Not of the outcomes that are kept: to count those, each would have to be read. */
function failuresText({ failures }: StatusReport): string | null {
  if (failures === null) return null;
  const { lastHour, lastDay, ever } = failures;
  if (ever === 0) return 'none, as workers have counted';
  return `${lastHour} within the last hour, ${lastDay} within a day, ${ever} in all, as workers have counted`;
}

function rateText({ lastMinute }: StatusReport): string | null {
  if (lastMinute === null) return null;
  const { ended, failed } = lastMinute;
  return `${some(ended, 'job')} ended within the last minute${failed === 0 ? '' : `, ${failed} failed`}`;
}
