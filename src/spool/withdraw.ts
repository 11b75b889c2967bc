/**
 * Withdrawing jobs that wait: taken by the rename that a claim is, and given the outcome `revoked` instead of a run. Whoever
 * does it is an owner; if it dies on the way, recovery finds the marker and finishes it.
 */
import { FencedError } from '../job/errors.ts';
import { revoked } from '../job/lifecycle.ts';
import type { Claimant } from './claim.ts';
import type { SpoolContext } from './context.ts';
import { setAside } from './corrupt.ts';
import { hasCode } from './files.ts';
import { hasOutcomeOf, publishAsItStands, settle } from './held.ts';
import { jobFileName, type JobName, nextAttempt } from './layout.ts';
import { isOnlyName } from './one-name.ts';
import { readJob } from './read.ts';
import { isIn, type Whereabouts } from './whereabouts.ts';
import type { Held } from './write-tail.ts';

export interface Withdrawer extends Claimant {
  /** Aborted: a disk that refuses is not waited for; what was taken is left to recovery. */
  readonly giveUp: AbortSignal;
}

/** Withdrawn at a time: enough for their fsyncs to share the journal's commits. */
const AT_ONCE = 32;

/**
 * Withdraws those of `spots` that wait, and those that `withdrawer` has taken before.
 *
 * @returns ids that were not to be had: somebody else moved them meanwhile, or they are left alone (odd-entries.ts)
 * @throws FencedError; the system error when the disk refuses
 */
export async function withdraw(
  context: SpoolContext,
  withdrawer: Withdrawer,
  spots: ReadonlyMap<string, Whereabouts>,
): Promise<{ readonly missed: ReadonlySet<string>; readonly leftAlone: ReadonlySet<string> }> {
  const missed = new Set<string>();
  const leftAlone = new Set<string>();
  const left = [...spots.entries()].values();
  const work = async (): Promise<void> => {
    for (const [id, spot] of left) {
      if (spot.at === 'results') continue;
      if (spot.at === 'held' && !isIn(context.layout, spot, withdrawer.owner)) continue;
      const isDone = await context.odd.tryLong(spot.path, async () => {
        if (!(await withdrawOne(context, withdrawer, spot))) missed.add(id);
      });
      if (!isDone) leftAlone.add(id);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, spots.size) }, work));
  return { missed, leftAlone };
}

/** False when it is not there any more. */
async function withdrawOne(
  context: SpoolContext,
  withdrawer: Withdrawer,
  spot: Exclude<Whereabouts, { at: 'results' }>,
): Promise<boolean> {
  const name = spot.at === 'held' ? spot.name : take(context, withdrawer, spot);
  if (name === null) return false;
  const { directory, owner, onEvent, giveUp } = withdrawer;
  const taken = { owner, directory, fileName: jobFileName(name), name, giveUp };
  const reading = readJob(context, `${directory}/${taken.fileName}`, name.id);
  if (reading.kind === 'gone') return false;
  if (reading.kind === 'corrupt') {
    await setAside(context, taken, reading.reason, onEvent);
    return true;
  }
  const { record } = reading.document;
  if (reading.links > 1) {
    const takenFrom = spot.at === 'held' ? null : spot;
    const path = `${directory}/${taken.fileName}`;
    if (!isOnlyName(context, { path, name, takenFrom, hasOutcome: record.outcome !== null })) return false;
  }
  const held: Held = { ...taken, record, baseBytes: reading.baseBytes, sizeBytes: reading.sizeBytes };
  const settlement = revoked({ job: record.job, standing: name }, false);
  // A power cut may have lost the claim of a run and not the outcome it wrote.
  if (hasOutcomeOf(record, name.attempt)) await publishAsItStands(context, held, onEvent);
  else await settle(context, held, settlement, null, onEvent);
  return true;
}

/** Null when it is not there any more. */
function take(
  context: SpoolContext,
  { owner, directory }: Withdrawer,
  { path, name: before }: Extract<Whereabouts, { at: 'waiting' }>,
): JobName | null {
  const name = nextAttempt(before);
  try {
    context.files.rename(path, `${directory}/${jobFileName(name)}`);
    return name;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    if (!context.files.exists(directory)) throw new FencedError(owner);
    return null;
  }
}
