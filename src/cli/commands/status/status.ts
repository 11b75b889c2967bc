/** `fsq status`: what waits, what runs, what is wrong and what to do about it. */
import { escape, some, span } from '../../../job/text.ts';
import type { Command, Context } from '../../command.ts';
import { fieldLines } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';
import { spoolOption, withSpoolOption } from '../../options.ts';
import { reportOf, type StatusReport, type WorkerStatus } from './status-report.ts';

/** How many delayed jobs are read to find parked ones, and running ones for their start: a listing of names tells the rest. */
const MAX_READ = 1_000;

/** More children than this are counted, not listed. */
const MAX_PIDS = 8;

export const status: Command = {
  name: 'status',
  summary: 'what waits, what runs, what is wrong and what to do about it',
  usage: 'fsq status [options]',
  examples: [
    ['fsq status', 'of the spool of this project'],
    ['fsq status --spool /var/spool/shop', 'of another one'],
    ['fsq status --json', 'for programs: jobs, queues, workers, tasks, parked, advice …'],
  ],
  options: { json: { type: 'boolean', help: 'print one JSON document' } },
  notes: ['Exits 0 also when something is wrong; `advice` of --json is empty when nothing is.'],
  run: runStatus,
};

function runStatus(context: Context): Promise<number> {
  return withSpool(context, async (broker) => {
    const backlog = await broker.backlog();
    const [counts, owners, paused, delayed, running] = await Promise.all([
      broker.counts(backlog),
      broker.owners(),
      broker.paused(),
      broker.list(['delayed'], MAX_READ),
      broker.list(['running'], MAX_READ),
    ]);
    const found = reportOf({
      spool: broker.place,
      counts,
      backlog,
      owners,
      paused,
      delayed,
      running,
      isAllRead: delayed.length < MAX_READ,
    });
    const option = spoolOption(context.values);
    const report = { ...found, advice: found.advice.map((text) => withSpoolOption(text, option)) };
    context.print(report, () => statusText(report, Date.now()));
    return EXIT.good;
  });
}

/** The report for people. */
export function statusText(report: StatusReport, nowMs: number): string {
  const { jobs, oldestPendingAtMs, oldestRunningAtMs, queues, paused, workers, tasks, advice } = report;
  const ages: Readonly<Record<string, string>> = {
    ...(oldestPendingAtMs === null ? {} : { pending: `   the oldest was sent ${span(nowMs - oldestPendingAtMs)} ago` }),
    ...(oldestRunningAtMs === null ? {} : { running: `   the oldest began ${span(nowMs - oldestRunningAtMs)} ago` }),
  };
  const names = Object.keys(queues);
  const isOneQueue = names.length <= 1 && (names[0] ?? 'default') === 'default';
  const width = String(Math.max(...Object.values(jobs))).length;
  const workerTexts = workers.length === 0 ? ['none'] : workers.map((worker) => workerText(worker, nowMs));
  const lines = [
    ...fieldLines([['spool', report.spool]]),
    '',
    ...fieldLines([
      ...Object.entries(jobs).map(
        ([state, count]) => [state, `${String(count).padStart(width)}${ages[state] ?? ''}`] as const,
      ),
      ['queues', isOneQueue ? null : names.map((name) => `${name} ${queues[name]}`).join(', ')],
      ['paused', paused.length === 0 ? null : paused.join(', ')],
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

function workerText({ pid, startedAtMs, queues, children }: WorkerStatus, nowMs: number): string {
  const pids = children.length <= MAX_PIDS ? ` (${children.join(', ')})` : '';
  const staff = children.length === 0 ? '' : `, ${some(children.length, 'child', 'children')}${pids}`;
  return `pid ${pid}${staff}, ${queues === null ? 'all queues' : `queues ${queues.join(', ')}`}, up ${span(nowMs - startedAtMs)}`;
}
