/** What a process of this machine takes of its memory: the one file of the page's server that reads from /proc. */
import { readFileSync } from 'node:fs';
import type { OwnerInfo } from '../../../broker/broker.ts';

/** Memory changes with every breath of a process: it is told in steps, bytes. */
const STEP_BYTES = 1_048_576;

/** Null: it runs elsewhere, is not surely alive, or this system does not tell. */
export function memoryOf({ pid, host, verdict }: Pick<OwnerInfo, 'pid' | 'host' | 'verdict'>): number | null {
  if (host !== undefined || verdict !== 'alive') return null;
  try {
    const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? null : Math.round((Number(kilobytes) * 1_024) / STEP_BYTES) * STEP_BYTES;
  } catch {
    return null; // It has ended, or this is no Linux.
  }
}
