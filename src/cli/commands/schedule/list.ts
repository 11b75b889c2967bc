/** `fsq schedule list`: when each schedule runs next, and what became of its last job. */
import type { ReadSchedule } from '../../../app/schedules/read-schedules.ts';
import type { Broker, Sighting } from '../../../broker/broker.ts';
import type { ScheduleRecord } from '../../../broker/schedules.ts';
import { span } from '../../../job/text.ts';
import type { Context } from '../../command.ts';
import { tableText } from '../../display.ts';

/** A schedule as it is listed for programs. */
interface Listed {
  readonly name: string;
  /** Null, as the two below, of one that is not in this configuration. */
  readonly task: string | null;
  /** Whether a living worker or a task module knows the task; null where nobody can tell. */
  readonly isTaskKnown: boolean | null;
  readonly missed: string | null;
  readonly timeZone: string | null;
  /** Such as 'every 30s' or '0 3 * * * Asia/Tokyo'; null: nobody knows. */
  readonly pattern: string | null;
  readonly isPaused: boolean;
  /** Unix ms; null: it does not run by itself. */
  readonly nextMs: number | null;
  /** The last instant that got a job, Unix ms; null: none has. */
  readonly lastMs: number | null;
  readonly lastId: string | null;
  /** Null: its job is forgotten. */
  readonly lastState: Sighting['state'] | null;
}

/** @param tasks those that are known; null: nobody can tell */
export async function listSchedules(
  context: Context,
  broker: Broker,
  schedules: readonly ReadSchedule[],
  tasks: readonly string[] | null,
): Promise<void> {
  const records = await broker.schedules.list();
  const nowMs = Date.now();
  const known = schedules.map((one) =>
    listed(
      one,
      records.find(({ name }) => name === one.name),
      nowMs,
    ),
  );
  const others = records.filter(({ name }) => !schedules.some((one) => one.name === name));
  const all = [...known, ...others.map((record) => listed(null, record, nowMs))];
  const found: Listed[] = [];
  for (const one of all) {
    const job = one.lastId === null ? null : await broker.find(one.lastId);
    const isTaskKnown = one.task === null ? null : (tasks?.includes(one.task) ?? null);
    found.push({ ...one, isTaskKnown, lastState: job?.state ?? null });
  }
  const rows = found.map((one) => [
    one.name,
    one.task === null ? '(not in fsq.config)' : `${one.task}${one.isTaskKnown === false ? ' (unknown)' : ''}`,
    one.pattern ?? '-',
    nextText(one, nowMs),
    lastText(one, nowMs),
  ]);
  const headings = ['SCHEDULE', 'TASK', 'WHEN', 'NEXT', 'LAST'];
  context.print(found, () => (rows.length === 0 ? '' : tableText(headings, rows, context.stdout)));
}

function listed(
  schedule: ReadSchedule | null,
  record: ScheduleRecord | undefined,
  nowMs: number,
): Omit<Listed, 'lastState' | 'isTaskKnown'> {
  const { pattern, firing } = schedule ?? {};
  const isPaused = record?.isPaused ?? false;
  // What was done may lie a little ahead: somebody has set the clock back.
  const nextMs = isPaused ? null : (firing?.times.next(Math.max(nowMs, record?.doneMs ?? 0)) ?? null);
  return {
    name: schedule?.name ?? record?.name ?? '',
    task: schedule?.task ?? null,
    missed: firing?.missed ?? null,
    timeZone: pattern?.kind === 'cron' ? pattern.timeZone : null,
    pattern: firing?.patternText ?? record?.pattern ?? null,
    isPaused,
    nextMs,
    lastMs: record?.last?.atMs ?? null,
    lastId: record?.last?.id ?? null,
  };
}

function nextText({ nextMs, isPaused, timeZone }: Listed, nowMs: number): string {
  if (isPaused) return 'paused';
  return nextMs === null ? '-' : `in ${span(nextMs - nowMs)}: ${clockText(nextMs, timeZone ?? 'UTC')}`;
}

function lastText({ lastMs, lastState, timeZone }: Listed, nowMs: number): string {
  if (lastMs === null) return '-';
  return `${span(nowMs - lastMs)} ago: ${clockText(lastMs, timeZone ?? 'UTC')}, ${lastState ?? 'forgotten'}`;
}

/** As the clock in that zone shows it: 'Sat 2026-11-28 03:00'. */
function clockText(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  const seconds = of('second') === '00' ? '' : `:${of('second')}`;
  return `${of('weekday')} ${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}${seconds}`;
}
