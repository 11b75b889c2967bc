/** An owner of which a test says only what matters to it: a living child that takes jobs of all queues. */
import type { OwnerInfo } from '../../src/broker/broker.ts';

export function owner(parts: Partial<OwnerInfo>): OwnerInfo {
  const { pid = 100 } = parts;
  return {
    owner: `${pid}-0123456789abcdef`,
    pid,
    parent: null,
    role: 'child',
    startedAtMs: 0,
    verdict: 'alive',
    queues: null,
    tasks: [],
    slots: 1,
    ...parts,
  };
}
