/** How far a job's runs are, in progress/<id>.json: written now and then while a run tells it, and once more when the run ends. */
import type { SpoolContext } from '../disk/context.ts';
import type { HeldFile } from '../job-file/holder.ts';
import { ToldProgress } from '../../broker/common/told-progress.ts';
import { MAX_DETAIL_BYTES, parseProgress, type Progress } from '../../job/values/progress.ts';
import { readBeside, replaceBeside } from './beside-files.ts';

/** A detail, and the numbers around it. */
const MAX_FILE_BYTES = MAX_DETAIL_BYTES + 4_096;

/** The progress of one run, in the file beside its job. */
export function progressFile(context: SpoolContext, run: HeldFile): ToldProgress {
  return new ToldProgress({
    attempt: run.name.attempt,
    nowMs: context.nowMs,
    keep: (text) => replaceBeside(context, run, 'progress', `${text}\n`),
  });
}

/** Why what lies there is no report; null where one does, or nothing. @throws the system error unchanged when the disk refuses */
export function doubtInProgress(context: SpoolContext, id: string): string | null {
  const reading = readBeside(context, 'progress', id, MAX_FILE_BYTES);
  if (reading.kind === 'corrupt') return reading.reason;
  return reading.kind === 'gone' || parseProgress(reading.text) !== null ? null : 'it is no report';
}

/** The last report, for whoever removes the file afterwards. @throws the system error when the disk refuses, or this user may not read it */
export function readProgressSurely(context: SpoolContext, id: string): Progress | null {
  const reading = readBeside(context, 'progress', id, MAX_FILE_BYTES);
  if (reading.kind === 'corrupt' && reading.refusal !== undefined) throw reading.refusal;
  return reading.kind === 'text' ? parseProgress(reading.text) : null;
}

/** The last report of the runs of a job; null when there is none that can be read. */
export function readProgress(context: SpoolContext, id: string): Progress | null {
  return parseProgress(readReport(context, id));
}

/** The same as it was written: `parseProgress` and `parseWaits` read it. '' when there is none. */
export function readReport(context: SpoolContext, id: string): string {
  try {
    const reading = readBeside(context, 'progress', id, MAX_FILE_BYTES);
    return reading.kind === 'text' ? reading.text : '';
  } catch {
    return ''; // It is there for people, who must be able to see the job also where the disk refuses this.
  }
}
