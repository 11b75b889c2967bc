/**
 * What lies in schedules/<name>/: a mark, whose name says up to which instant the schedule is done, and perhaps `paused`. What a mark
 * holds is for people, and for comparing patterns: nothing is lost with it.
 *
 * The latest mark counts. A mark is made beside those before it, and only then are these removed, so a process that was stopped and makes
 * its own late changes nothing.
 */
import { isScheduleName, type ScheduledInstant, type ScheduleRecord } from '../../broker/schedules.ts';
import { isId } from '../../job/names.ts';
import { isRecord } from '../../job/values/realm.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import {
  createNew,
  discard,
  listIfThere,
  makeDirectory,
  NOT_LISTED,
  readIfThere,
  unlinkIfThere,
  valueOr,
} from '../disk/if-there.ts';
import { type Layout, timeDigits } from '../layout.ts';

const PAUSED = 'paused';
const MARK = /^\d{13}$/;
/** A mark as fsq makes it has some 150 bytes, and as much more as its pattern is long. */
const MAX_MARK_BYTES = 4_096;

/** True of what may lie in the directory of a schedule. */
export function isScheduleFile(fileName: string): boolean {
  return fileName === PAUSED || isMark(fileName);
}

/** True of a name that says up to which instant a schedule is done. */
export function isMark(fileName: string): boolean {
  return MARK.test(fileName);
}

export function scheduleDirectory({ schedules }: Layout, name: string): string {
  return `${schedules}/${name}`;
}

/** @throws the system error when the directory cannot be listed */
export function readRecord(context: SpoolContext, name: string): ScheduleRecord {
  const names = listIfThere(context.files, scheduleDirectory(context.layout, name));
  const latest = marksAmong(names).at(-1);
  const about = latest === undefined ? NOTHING : readMark(context, name, latest);
  return { name, doneMs: latest === undefined ? null : Number(latest), ...about, isPaused: names.includes(PAUSED) };
}

/** All instants up to this one are done, Unix ms; null: none is. @throws the system error */
export function doneMsOf({ files, layout }: SpoolContext, name: string): number | null {
  const latest = marksAmong(listIfThere(files, scheduleDirectory(layout, name))).at(-1);
  return latest === undefined ? null : Number(latest);
}

export function listRecords(context: SpoolContext): readonly ScheduleRecord[] {
  return listIfThere(context.files, context.layout.schedules)
    .filter(isScheduleName)
    .toSorted()
    .flatMap((name) => valueOr([], () => [readRecord(context, name)], ...NOT_LISTED));
}

/** The marks, the latest last. Of thirteen digits each, so they sort as numbers. */
function marksAmong(names: readonly string[]): readonly string[] {
  return names.filter(isMark).toSorted();
}

type About = Pick<ScheduleRecord, 'pattern' | 'last'>;
const NOTHING: About = { pattern: null, last: null };

function readMark({ files, layout }: SpoolContext, name: string, mark: string): About {
  try {
    const text = readIfThere(files, `${scheduleDirectory(layout, name)}/${mark}`, MAX_MARK_BYTES);
    const parsed: unknown = text === null ? null : JSON.parse(text);
    return isRecord(parsed) ? { pattern: patternIn(parsed), last: lastIn(parsed['last']) } : NOTHING;
  } catch {
    return NOTHING; // Its name says what counts.
  }
}

function patternIn({ pattern }: Readonly<Record<string, unknown>>): string | null {
  return typeof pattern === 'string' ? pattern : null;
}

function lastIn(value: unknown): ScheduleRecord['last'] {
  if (!isRecord(value)) return null;
  const { atMs, id } = value;
  return typeof atMs === 'number' && Number.isFinite(atMs) && typeof id === 'string' && isId(id) ? { atMs, id } : null;
}

/**
 * Counts all instants up to this one as done. When it resolves that is durable, and the marks before it are gone.
 *
 * @param id the job of the instant; null: it has none, and the job of the one before is kept in mind
 */
export async function mark(context: SpoolContext, instant: ScheduledInstant, id: string | null): Promise<void> {
  await writeMark(context, instant, id);
  removeMarks(context, instant.schedule, (other, latest) => other < latest);
}

async function writeMark(
  context: SpoolContext,
  { schedule, atMs, pattern }: ScheduledInstant,
  id: string | null,
): Promise<void> {
  const last = id === null ? readRecord(context, schedule).last : { atMs, id };
  const text = `${JSON.stringify({ v: 1, pattern, last, by: process.pid, wroteAtMs: context.nowMs() })}\n`;
  const name = timeDigits(atMs);
  await inDirectory(context, schedule, (directory) =>
    writeNew(context, Buffer.from(text), `${directory}/${name}`, { isDurable: true }),
  );
}

/**
 * Removes the marks that lie ahead of the clock. If we die on the way, they lie there still, and this is done again.
 *
 * @returns the instants that they stood for, Unix ms
 */
export async function turnBackTo(context: SpoolContext, instant: ScheduledInstant): Promise<readonly number[]> {
  await writeMark(context, instant, null);
  const name = timeDigits(instant.atMs);
  const removed = removeMarks(context, instant.schedule, (other) => other > name);
  await syncDirectories(context, scheduleDirectory(context.layout, instant.schedule));
  return removed.map(Number);
}

function removeMarks(
  { files, layout }: SpoolContext,
  schedule: string,
  isOver: (mark: string, latest: string) => boolean,
): readonly string[] {
  const directory = scheduleDirectory(layout, schedule);
  const marks = marksAmong(listIfThere(files, directory));
  const over = marks.filter((one) => isOver(one, marks.at(-1) ?? ''));
  for (const one of over) discard(files, `${directory}/${one}`);
  return over;
}

/** @returns false when it was paused already. When it resolves that is durable. */
export async function pauseSchedule(context: SpoolContext, schedule: string): Promise<boolean> {
  const text = `${JSON.stringify({ v: 1, atMs: context.nowMs(), pid: process.pid })}\n`;
  return inDirectory(context, schedule, (directory) =>
    createNew(context.files, `${directory}/${PAUSED}`, Buffer.from(text)),
  );
}

/** @returns false when it was not paused. When it resolves that is durable. */
export async function resumeSchedule(context: SpoolContext, schedule: string): Promise<boolean> {
  const directory = scheduleDirectory(context.layout, schedule);
  if (!unlinkIfThere(context.files, `${directory}/${PAUSED}`)) return false;
  await syncDirectories(context, directory);
  return true;
}

/** Writes into the directory of a schedule, which is made where it is missing, and makes its names durable. */
async function inDirectory<T>(
  context: SpoolContext,
  schedule: string,
  write: (directory: string) => T | Promise<T>,
): Promise<T> {
  const { files, layout } = context;
  const directory = scheduleDirectory(layout, schedule);
  try {
    const written = await write(directory);
    await syncDirectories(context, directory);
    return written;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  makeDirectory(files, layout.schedules);
  makeDirectory(files, directory);
  const written = await write(directory);
  await syncDirectories(context, directory, layout.schedules, layout.root);
  return written;
}
