/** Taking a ready job: one rename, then a look at what was taken. */
import type { AttemptRun, BrokerEvent, Claim } from '../broker/worker-side.ts';
import { afterwards, type Soon } from '../broker/soon.ts';
import { FencedError } from '../job/errors.ts';
import type { Attempt } from '../job/job.ts';
import type { Settlement } from '../job/lifecycle.ts';
import type { Admission } from './admission.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { setAside } from './corrupt.ts';
import { hasCode } from './files.ts';
import { hasOutcomeOf, publishAsItStands, settle } from './held.ts';
import { delayedFileName, jobFileName, type JobName, nextAttempt, parseJobFileName } from './layout.ts';
import { isOnlyName } from './one-name.ts';
import { putBack } from './put-back.ts';
import { readJob } from './read.ts';
import { renameOver } from './way.ts';
import type { Held } from './write-tail.ts';

export interface Claimant {
  readonly owner: string;
  /** Absolute path of `running/<owner>`. */
  readonly directory: string;
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Absent or null where nothing is limited. */
  readonly admission?: Admission | null;
}

/** A job that was just taken; what it holds has not been looked at. */
export type Taken = Omit<Held, 'record' | 'baseBytes' | 'sizeBytes'> & { readonly before: JobName };

/**
 * Takes the job of `fileName` in pending/, or returns null when another was faster.
 *
 * The rename is the claim: of all that try, exactly one succeeds and the others see ENOENT (rename(2)). If we die right
 * after it, our socket refuses connections and recovery sends the job back with one more crash.
 *
 * @throws FencedError when our directory is gone; the system error unchanged when the disk refuses: then it was not taken
 */
export function take(context: SpoolContext, claimant: Claimant, fileName: string): Taken | null {
  const before = parseJobFileName(fileName);
  if (before === null) return null;
  const name = nextAttempt(before);
  const { directory, owner } = claimant;
  const taken = { owner, directory, fileName: jobFileName(name), name, before };
  try {
    renameOver(context, `${context.layout.pending}/${fileName}`, `${directory}/${taken.fileName}`);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return lost(context, claimant);
  }
  return taken;
}

/**
 * Looks at what was taken: a claim to run, or null when there is nothing to run and it has been dealt with, because it
 * was no job, or not due, or over a limit, or had ended already. May be called again after it threw.
 *
 * @throws FencedError; the system error unchanged when the disk refuses: then the job is still held
 */
export function examine(context: SpoolContext, claimant: Claimant, taken: Taken): Soon<Claim | null> {
  const { layout } = context;
  const { onEvent } = claimant;
  const { name, before } = taken;
  const path = `${taken.directory}/${taken.fileName}`;
  const reading = readJob(context, path, name.id);
  if (reading.kind === 'gone') return lost(context, claimant);
  if (reading.kind === 'corrupt') {
    return setAside(context, taken, reading.reason, onEvent).then(() => null);
  }
  const { record } = reading.document;
  const { owner, directory, fileName } = taken;
  if (reading.links > 1) {
    const takenFrom = { path: `${layout.pending}/${jobFileName(before)}`, name: before };
    const mine = { path, name, takenFrom, hasOutcome: record.outcome !== null };
    if (!isOnlyName(context, mine)) return lost(context, claimant);
  }
  const { baseBytes, sizeBytes } = reading;
  // No spread: what it makes outlives a job by several collections.
  const held: Held = { owner, directory, fileName, name, record, baseBytes, sizeBytes };
  if (hasOutcomeOf(record, name.attempt)) {
    // A power cut lost the claim of a run but not the outcome it wrote.
    return afterwards(publishAsItStands(context, held, onEvent), () => null);
  }
  const { etaMs, expiresAtMs = Number.POSITIVE_INFINITY } = record.job.options;
  if (etaMs !== undefined && etaMs > context.nowMs()) {
    renameOver(context, path, `${layout.delayed}/${delayedFileName(etaMs, before)}`);
    return null;
  }
  const { admission = null } = claimant;
  if (admission !== null && expiresAtMs >= context.nowMs() && !admission.admits(name, record.job.task)) {
    return putBack(context, admission, taken, toClaim(context, held, onEvent));
  }
  const claim = toClaim(context, held, onEvent);
  if (record.job.options.onCrash !== 'fail' || !context.fsync) return claim;
  // It must not run twice: a power cut must find it here, and not in pending/ as if nothing had happened.
  return syncDirectories(context, claimant.directory, layout.pending).then(() => claim);
}

/** Another was faster: null. Our own directory gone: fenced. */
function lost(context: SpoolContext, { directory, owner }: Claimant): null {
  if (!context.files.exists(directory)) throw new FencedError(owner);
  return null;
}

function toClaim(context: SpoolContext, held: Held, onEvent?: (event: BrokerEvent) => void): Claim {
  return {
    job: held.record.job,
    standing: held.name,
    attempts: held.record.attempts,
    settle: (settlement: Settlement, run: AttemptRun | null) =>
      settle(context, held, settlement, run === null ? null : toAttempt(held, run), onEvent),
  };
}

function toAttempt({ name, owner }: Held, run: AttemptRun): Attempt {
  const { startedAtMs, endedAtMs, error } = run;
  return { attempt: name.attempt, startedAtMs, endedAtMs, owner, ...(error === undefined ? {} : { error }) };
}
