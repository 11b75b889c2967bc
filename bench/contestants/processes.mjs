/** What the kernel knows of processes: CPU, memory, descriptors. From /proc: Linux only. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Of all ticks of the clock by which the kernel counts CPU, ms each. */
const TICK_MS =
  1_000 / Number(process.platform === 'linux' ? execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }) : 100);

/** @typedef {{ readonly cpuMs: number, readonly rssMb: number, readonly peakMb: number, readonly descriptors: number }} Usage */

/**
 * What these processes have used together until now.
 *
 * @param {readonly number[]} pids one that has ended counts nothing
 * @returns {Usage}
 */
export function usageOf(pids) {
  const parts = pids.map(usageOfOne);
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
  return { cpuMs: sum('cpuMs'), rssMb: sum('rssMb'), peakMb: sum('peakMb'), descriptors: sum('descriptors') };
}

function usageOfOne(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // The name, in brackets, may hold blanks; after it come state and then numbers: proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const kilobytes = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      rssMb: kilobytes('VmRSS') / 1_024,
      peakMb: kilobytes('VmHWM') / 1_024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return { cpuMs: 0, rssMb: 0, peakMb: 0, descriptors: 0 }; // It has ended.
  }
}
