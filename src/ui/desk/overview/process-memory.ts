/** What a process takes of its machine's memory: the one file of the page's server that reads from /proc. */
import { readFileSync } from 'node:fs';
import type { OwnerInfo } from '../../../broker/broker.ts';

/** Memory changes with every breath of a process: it is told in steps, bytes. */
const STEP_BYTES = 1_048_576;

type Process = Pick<OwnerInfo, 'pid' | 'host' | 'verdict' | 'memoryBytes'>;

/** Null: it is not surely alive, or neither the process nor this machine tells. */
export function memoryOf(process: Process): number | null {
  if (process.verdict !== 'alive') return null;
  const bytes = process.memoryBytes ?? (process.host === undefined ? residentSet(process.pid) : null);
  return bytes === null ? null : Math.round(bytes / STEP_BYTES) * STEP_BYTES;
}

/** Of a process of this machine, bytes. */
function residentSet(pid: number): number | null {
  try {
    const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
  } catch {
    return null; // It has ended, or this is no Linux.
  }
}
