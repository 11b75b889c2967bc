/** Taking a ready job: one rename, then a look at what was taken. */
import type { AttemptRun, BrokerEvent, Claim } from '../broker/broker.ts';
import { FencedError } from '../job/errors.ts';
import type { Attempt } from '../job/job.ts';
import type { Settlement } from '../job/lifecycle.ts';
import type { SpoolContext } from './context.ts';
import { setAside } from './corrupt.ts';
import { hasCode } from './files.ts';
import { type Held, hasOutcomeOf, publishAsItStands, settle } from './held.ts';
import { delayedFileName, jobFileName, parseJobFileName } from './layout.ts';
import { readJob } from './read.ts';

export interface Claimant {
  readonly owner: string;
  /** Absolute path of `running/<owner>`. */
  readonly directory: string;
  readonly uniqueName: () => string;
  readonly onEvent?: (event: BrokerEvent) => void;
}

/**
 * Claims the job of `fileName` in pending/, or returns null when there is nothing to run: another was faster, or what lay
 * there was no job, or had ended already; then it has been dealt with.
 *
 * The rename is the claim: of all that try, exactly one succeeds and the others see ENOENT (rename(2)). If we die right
 * after it, our socket refuses connections and recovery sends the job back with one more crash.
 *
 * @throws FencedError when our directory is gone; the system error unchanged when the disk refuses
 */
export async function claim(context: SpoolContext, claimant: Claimant, fileName: string): Promise<Claim | null> {
  const before = parseJobFileName(fileName);
  if (before === null) return null;
  const name = { ...before, attempt: before.attempt + 1 };
  const { files, layout } = context;
  const { directory, owner, uniqueName, onEvent } = claimant;
  const claimed = { owner, directory, fileName: jobFileName(name), name, uniqueName };
  const path = `${directory}/${claimed.fileName}`;
  try {
    files.rename(`${layout.pending}/${fileName}`, path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return lost(context, claimant);
  }
  const reading = readJob(context, path, name.id);
  if (reading.kind === 'gone') return lost(context, claimant);
  if (reading.kind === 'corrupt') {
    await setAside(context, claimed, reading.reason, onEvent);
    return null;
  }
  const { record } = reading.document;
  const held: Held = { ...claimed, record, baseBytes: reading.baseBytes, sizeBytes: reading.sizeBytes };
  if (hasOutcomeOf(record, name.attempt)) {
    // A power cut lost the claim of a run but not the outcome it wrote.
    await publishAsItStands(context, held, onEvent);
    return null;
  }
  const { etaMs } = record.job.options;
  if (etaMs !== undefined && etaMs > context.nowMs()) {
    files.rename(path, `${layout.delayed}/${delayedFileName(etaMs, before)}`);
    return null;
  }
  return toClaim(context, held, onEvent);
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
