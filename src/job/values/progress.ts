/** How far a run is, as its task tells it: checked when it is told, and again when it is read. */
import { UsageError } from '../errors.ts';
import { isId } from '../names.ts';
import { format, span } from '../text.ts';
import type { JsonValue } from './json.ts';
import { checkedNote } from './payload.ts';
import { isOptions, isRecord } from './realm.ts';

/** What a task tells. */
export interface ProgressReport {
  /** From 0 to 1. */
  readonly value: number;
  /** Where the task told two numbers: so much is done … */
  readonly done?: number;
  /** … of so much. */
  readonly total?: number;
  readonly detail?: JsonValue;
}

export interface Progress extends ProgressReport {
  /** The run that told it. */
  readonly attempt: number;
  /** When it did, Unix ms. */
  readonly atMs: number;
}

/** Largest size of a detail, bytes of JSON. */
export const MAX_DETAIL_BYTES: number = 64 * 1024;

const WANTED = 'a number from 0 to 1, or { done, total } with done from 0 to total';

/**
 * What `progress(value, detail)` tells.
 *
 * @throws UsageError: `value` is no share, `detail` a number, as if it were the total, or the detail too large (FSQ_TOO_LARGE); NotSerialisableError
 */
export function checkedProgress(value: unknown, detail: unknown): ProgressReport {
  if (typeof detail === 'number') refuseTwo(value, detail);
  const share = shareOf(value) ?? refuseProgress(value);
  return detail === undefined ? share : { ...share, detail: checkedNote(detail, 'detail', MAX_DETAIL_BYTES) };
}

function shareOf(value: unknown): ProgressReport | null {
  if (isShare(value)) return { value };
  if (!isRecord(value) || Object.keys(value).some((key) => key !== 'done' && key !== 'total')) return null;
  const { done, total } = value;
  if (!isAmount(done) || !isAmount(total) || done > total) return null;
  // Where there is nothing to do, all of it is done.
  return { value: total === 0 ? 1 : done / total, done, total };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isShare(value: unknown): value is number {
  return isAmount(value) && value <= 1;
}

function refuseProgress(value: unknown): never {
  const hint = isAmount(value) && value <= 100 ? `. For per cent, divide by 100: ${value / 100}` : '';
  throw new UsageError(`Expected progress to be ${WANTED}; got ${shown(value)}${hint}`);
}

/** As other queues take them: the second number would be a note, and the first a share of 1. */
function refuseTwo(value: unknown, total: number): never {
  const right = typeof value === 'number' ? `progress({ done: ${value}, total: ${total} })` : 'a note as text';
  throw new UsageError(
    `Expected progress to be ${WANTED}, and its detail no number; got ${format(value)} and ${total}. Write ${right}`,
  );
}

function shown(value: unknown): string {
  if (!isOptions(value)) return format(value);
  const odd = Object.keys(value).find((key) => key !== 'done' && key !== 'total');
  return odd === undefined
    ? `{ done: ${format(value['done'])}, total: ${format(value['total'])} }`
    : `also ${format(odd)}`;
}

/** A progress that was written down as JSON; null for anything else. */
export function parseProgress(text: string): Progress | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null; // A power cut may have left anything.
  }
  if (!isRecord(parsed)) return null;
  const { value, done, total, detail, attempt, atMs } = parsed;
  if (!isShare(value) || !isAmount(attempt) || !isAmount(atMs)) return null;
  const amounts = isAmount(done) && isAmount(total) ? { done, total } : {};
  return { value, ...amounts, ...(detail === undefined ? {} : { detail: detail as JsonValue }), attempt, atMs };
}

/** For which jobs a run of this attempt waits, as it was written down there as JSON; [] for anything else. */
export function parseWaits(text: string, attempt: number): readonly string[] {
  // Nearly no report says so.
  if (!text.includes('"waitsFor"')) return [];
  try {
    const parsed: unknown = JSON.parse(text);
    const ids = isRecord(parsed) && parsed['attempt'] === attempt ? parsed['waitsFor'] : null;
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string' && isId(id)) : [];
  } catch {
    return []; // A power cut may have left anything.
  }
}

/** '42 %', '42 % (420 of 1000)'. What is not all done is never told as 100 %. */
export function progressText({ value, done, total }: ProgressReport): string {
  const share = `${Math.floor(value * 100 + 1e-9)} %`;
  return done === undefined || total === undefined ? share : `${share} (${done} of ${total})`;
}

/** The same, with its age, and with its run where that is not the last. */
export function progressLine(progress: Progress, attempt: number, nowMs: number): string {
  const run = progress.attempt === attempt ? '' : `, in attempt ${progress.attempt}`;
  return `${progressText(progress)}, ${span(nowMs - progress.atMs)} ago${run}`;
}
