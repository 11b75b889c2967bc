/** A server that is struck: how its commands are told apart, and what may not be left in it. */
import type { Protocol } from './command-proxy.ts';

export interface FaultPlace {
  readonly protocol: Protocol;
  port(): Promise<number>;
  /** The setting `broker`. @param name each try has one of its own */
  url(name: string): Promise<string>;
  /** As if every lock that is held had run out, and a look had come by since: BullMQ puts back at the second one. */
  endLocks(address: string): Promise<void>;
  /** What goes by the clock of the server was written so much earlier. */
  makeOld(address: string, byMs: number): Promise<void>;
  /** What lies there that should not, one sentence each. @param ids of all jobs that there may be */
  leftIn(address: string, ids: readonly string[]): Promise<readonly string[]>;
}

/** Facts of fsq that are to stay. */
export const LASTING = /^(?:queues$|schema$|round:|statistics|schedule|outcome|ended)/;

/** An entry of these tables as it would be if it had been written so much earlier; null: of others. */
export function olderEntry(table: string, entry: string, byMs: number): string | null {
  if (table === 'owners') {
    const record = JSON.parse(entry) as { readonly seenAtMs: number };
    return JSON.stringify({ ...record, seenAtMs: record.seenAtMs - byMs });
  }
  if (table !== 'waiting') return null;
  const [predecessor, queue, sinceMs] = entry.split(' ');
  return `${predecessor} ${queue} ${Number(sinceMs) - byMs}`;
}

export const AGING_TABLES = ['owners', 'waiting'] as const;
