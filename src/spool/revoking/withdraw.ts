/**
 * Withdrawing jobs that wait: a holder takes them as a claim does, and gives them the outcome `revoked` instead of a run. If it dies on the
 * way, recovery finds the marker and goes on.
 */
import { revoked } from '../../job/lifecycle.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type Holder, takeFrom } from '../job-file/holder.ts';
import { openTaken } from '../claims/claim.ts';
import { settle } from '../claims/settle.ts';
import { type EndedSpot, isIn, type Spot } from '../locate.ts';

/** How many are withdrawn at a time: enough for their fsyncs to share the commits of the file system's journal. */
const AT_ONCE = 32;

/**
 * Withdraws those of `spots` that wait, and those that `withdrawer` has taken before.
 *
 * @returns ids that were not to be had: another process moved them meanwhile, or they are left alone (odd-entries.ts)
 * @throws FencedError; the system error when the disk refuses
 */
export async function withdraw(
  context: SpoolContext,
  withdrawer: Holder,
  spots: ReadonlyMap<string, Spot>,
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
  withdrawer: Holder,
  spot: Exclude<Spot, EndedSpot>,
): Promise<boolean> {
  const { path, name } = spot;
  const taken = spot.at === 'held' ? { holder: withdrawer, path, name } : takeFrom(context, withdrawer, spot);
  if (taken === null) return false;
  const opened = await openTaken(context, taken, spot.at === 'held' ? null : spot);
  if (typeof opened === 'string') return opened === 'done';
  await settle(context, opened, revoked({ job: opened.record.job, standing: opened.name }, false), null);
  return true;
}
