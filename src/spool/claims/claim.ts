/** Claiming a ready job: one rename, a look at its file, and whether it may run. Withdrawals and recoveries share the look. */
import { afterwards, type Soon } from '../../broker/soon.ts';
import type { Claim } from '../../broker/worker-side.ts';
import { hasOutcomeOf, unended } from '../../job/ended/again.ts';
import { needsPredecessors, type Verdict } from '../../job/ended/predecessors.ts';
import { revoked } from '../../job/lifecycle.ts';
import type { Admission } from './admission.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import {
  type Held,
  type HeldFile,
  type Holder,
  refuseFenced,
  type Taken,
  takeFrom,
  type Waiting,
} from '../job-file/holder.ts';
import { isOnlyName } from '../job-file/one-name.ts';
import { kindOf, readJob } from '../job-file/read.ts';
import { AFTER_ANOTHER_MS, delayedFileName, parseJobFileName } from '../layout.ts';
import { isMarked } from '../notes/notes.ts';
import { renameOver, setAside } from '../job-file/set-aside.ts';
import { HeldClaim } from './held-claim.ts';
import { lookAtPredecessors } from '../after/predecessors.ts';
import { publishAsItStands } from './settle.ts';

export interface Claimant extends Holder {
  /** Absent or null where nothing is limited. */
  readonly admission?: Admission | null;
}

/**
 * Takes the job of `fileName` in pending/, or returns null when another process was faster.
 *
 * @throws FencedError when our directory is gone; the system error unchanged when the disk refuses: then it was not taken
 */
export function take(context: SpoolContext, claimant: Claimant, fileName: string): Taken | null {
  const name = parseJobFileName(fileName);
  return name === null ? null : takeFrom(context, claimant, { path: `${context.layout.pending}/${fileName}`, name });
}

/**
 * Looks at what was taken: a claim to run, or null when there is nothing to run and it has been dealt with, because it
 * was no job, or not due, or over a limit, or had ended already. May be called again after it threw.
 *
 * @throws FencedError; the system error unchanged when the disk refuses: then the job is still held
 */
export function examine(context: SpoolContext, claimant: Claimant, taken: Taken): Soon<Claim | null> {
  return afterwards(openTaken(context, taken, taken.takenFrom), (opened) => {
    if (opened === 'gone') refuseFenced(context, claimant);
    return typeof opened === 'string' ? null : admit(context, claimant, taken, opened);
  });
}

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
  const { baseBytes, sizeBytes, changedAtMs } = reading;
  const { record, torn } = reading.document;
  if (reading.links > 1 && !isOnlyName(context, { path, name, takenFrom, hasOutcome: record.outcome !== null }))
    return 'gone';
  // A death or a power cut may have lost the rename that publishes an outcome, and not the outcome.
  const hasEnded = hasOutcomeOf(record, name.attempt);
  const kept = hasEnded ? record : unended(record);
  const held = { holder, path, name, record: kept, torn, baseBytes, sizeBytes, changedAtMs };
  return hasEnded ? afterwards(publishAsItStands(context, held), () => 'done') : held;
}

function admit(context: SpoolContext, { admission = null }: Claimant, taken: Taken, held: Held): Soon<Claim | null> {
  const { layout } = context;
  const { path, record } = held;
  const { etaMs, expiresAtMs = Number.POSITIVE_INFINITY } = record.job.options;
  if (etaMs !== undefined && etaMs > context.nowMs()) {
    renameOver(context, path, `${layout.delayed}/${delayedFileName(etaMs, taken.takenFrom.name)}`);
    return null;
  }
  // One that is too late ends as such.
  if (needsPredecessors(held.record, held.name.attempt) && expiresAtMs >= context.nowMs()) {
    return lookAtPredecessors(context, held).then((verdict) =>
      verdict !== 'waits' && 'job' in verdict
        ? admitted(context, admission, taken, new HeldClaim(context, held, verdict.job))
        : withoutRun(context, taken, new HeldClaim(context, held), verdict),
    );
  }
  return admitted(context, admission, taken, new HeldClaim(context, held));
}

function admitted(
  context: SpoolContext,
  admission: Admission | null,
  taken: Taken,
  claim: HeldClaim,
): Soon<Claim | null> {
  const { name, holder } = taken;
  const { expiresAtMs = Number.POSITIVE_INFINITY, onCrash } = claim.job.options;
  if (admission !== null && expiresAtMs >= context.nowMs() && !admission.admits(name, kindOf(claim.job)))
    return putBack(context, admission, taken, claim);
  if (onCrash !== 'fail' || !context.fsync) return claim;
  // It must not run twice: a power cut must find it here, and not in pending/ as if nothing had happened.
  return syncDirectories(context, holder.directory, context.layout.pending).then(() => claim);
}

/** It ends for the jobs before it, or waits for them. One that is revoked ends: its revoker may have seen it here. */
async function withoutRun(
  context: SpoolContext,
  { path, takenFrom, holder }: Taken,
  claim: Claim,
  verdict: Exclude<Verdict, { job: unknown }> | 'waits',
): Promise<null> {
  const settlement = isMarked(context, claim.job.id)
    ? revoked(claim, false)
    : verdict === 'waits'
      ? null
      : verdict.settlement;
  if (settlement === null) {
    renameOver(context, path, `${context.layout.delayed}/${delayedFileName(AFTER_ANOTHER_MS, takenFrom.name)}`);
    return null;
  }
  await claim.settle(settlement, null);
  const { job, standing } = claim;
  if (settlement.kind === 'publish') holder.onEvent?.({ kind: 'not-run', job, standing, outcome: settlement.outcome });
  return null;
}

/** It goes back where it was. One that is revoked ends: its revoker may have seen it here, and was told that it will. */
function putBack(context: SpoolContext, admission: Admission, { path, takenFrom }: Taken, claim: Claim): Soon<null> {
  if (isMarked(context, claim.job.id)) return afterwards(claim.settle(revoked(claim, false), null), () => null);
  // Before it is there for others to hear of: the same event tells us as well.
  admission.refused(takenFrom.path.slice(takenFrom.path.lastIndexOf('/') + 1));
  renameOver(context, path, takenFrom.path);
  return null;
}
