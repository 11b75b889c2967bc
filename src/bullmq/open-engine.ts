/** Which engine an address means. */
import { shownAddress } from '../broker/broker-address.ts';
import { UsageError } from '../job/errors.ts';
import type { BullOptions, Engine } from './engine.ts';
import { openRedis } from './redis/open-redis.ts';

/** @throws UsageError (FSQ_PEER) where the packages are missing that it needs */
export async function openEngine(options: BullOptions): Promise<Engine> {
  const { address } = options;
  if (address.kind !== 'redis')
    throw new UsageError(`No jobs can be kept at ${shownAddress(address)} yet`, 'FSQ_CONFIG');
  return openRedis(address, options);
}
