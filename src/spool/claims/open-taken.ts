/** The first look at a job that was just taken, to run it, to withdraw it or to recover it. */
import type { JobRecord } from '../../job/job.ts';
import { afterwards, type Soon } from '../../broker/soon.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Held, HeldFile, Waiting } from '../job-file/holder.ts';
import { isOnlyName } from '../job-file/one-name.ts';
import { readJob } from '../job-file/read.ts';
import { setAside } from '../job-file/set-aside.ts';
import { publishAsItStands } from './settle.ts';

/**
 * Opens what was taken. May be called again after it threw.
 *
 * @param takenFrom null for what a dead process had held
 * @returns the job, which has to be settled; 'done' when the file was no job, or held its outcome already, and is dealt with;
 * 'gone' when the file is not there any more, or the job goes on under another name of it
 * @throws the system error unchanged when the disk refuses: then the job is still held
 */
export function openTaken(
  context: SpoolContext,
  file: HeldFile,
  takenFrom: Waiting | null,
): Soon<Held | 'done' | 'gone'> {
  const { holder, path, name } = file;
  const reading = readJob(context, path, name.id);
  if (reading.kind === 'gone') return 'gone';
  if (reading.kind === 'corrupt') return setAside(context, file, reading.reason).then(() => 'done');
  const { baseBytes, sizeBytes } = reading;
  const { record, torn } = reading.document;
  if (reading.links > 1 && !isOnlyName(context, { path, name, takenFrom, hasOutcome: record.outcome !== null }))
    return 'gone';
  const held: Held = { holder, path, name, record, torn, baseBytes, sizeBytes };
  // A death or a power cut may have lost the rename that publishes an outcome, and not the outcome.
  if (hasOutcomeOf(record, name.attempt)) return afterwards(publishAsItStands(context, held), () => 'done');
  return held;
}

/** True when the file holds the outcome of the attempt in its name: then it must be published and not be run again. */
export function hasOutcomeOf(record: JobRecord, attempt: number): boolean {
  return record.outcome !== null && (record.attempts.at(-1)?.attempt ?? 0) >= attempt;
}
