/** What a process and its children use while nothing happens; for fsq-idle.mjs and bare-idle.mjs. */
import { setTimeout as wait } from 'node:timers/promises';
import { median } from '../figures.mjs';
import { cpuNs, hasProc, memoryMb, watches } from './usage.mjs';

/** Polls that rise to a second have risen by then, and the garbage of the start is collected or will not be. */
export const SETTLE_MS = 10_000;

/**
 * @param {number | null} parent null: this process, which is not counted
 * @param {readonly number[]} children pids
 * @param {number} minutes
 */
export async function idleFigures(parent, children, minutes) {
  if (!hasProc) return { missing: 'needs Linux: /proc' };
  const all = parent === null ? children : [parent, ...children];
  const [before, from] = [cpuOf(all), performance.now()];
  await wait(minutes * 60_000);
  const spentNs = cpuOf(all) - before;
  const memory = children.map((pid) => memoryMb(pid));
  return {
    minutes,
    corePercent: (spentNs / 1e6 / (performance.now() - from)) * 100,
    childRssMb: median(memory.map(({ rss }) => rss)),
    childOwnMb: median(memory.map(({ own }) => own)),
    parentRssMb: parent === null ? 0 : memoryMb(parent).rss,
    watches: all.reduce((sum, pid) => sum + watches(pid), 0),
  };
}

function cpuOf(pids) {
  return pids.reduce((sum, pid) => sum + cpuNs(pid), 0);
}
