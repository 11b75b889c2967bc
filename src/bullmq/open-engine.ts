/** Which engine an address means. */
import type { BullOptions, Engine } from './engine.ts';
import { openPostgres } from './postgres/open-postgres.ts';
import { openRedis } from './redis/open-redis.ts';

/** @throws UsageError (FSQ_PEER) where the packages are missing that it needs; SpoolError (FSQ_BROKER) where the server refuses */
export async function openEngine(options: BullOptions): Promise<Engine> {
  const { address } = options;
  return address.kind === 'redis' ? openRedis(address, options) : openPostgres(address, options);
}
