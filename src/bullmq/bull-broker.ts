/** BullMQ as a broker: opens it by its address. */
import type { Broker } from '../broker/broker.ts';
import { shownAddress } from '../broker/broker-address.ts';
import type { AddressOptions } from '../broker/late-broker.ts';
import { UsageError } from '../job/errors.ts';
import { loadPostgresPeers, loadRedisPeers } from './peers.ts';

export type BullOptions = AddressOptions;

/** @throws UsageError (FSQ_PEER) */
export async function openBullBroker({ address }: BullOptions): Promise<Broker> {
  await (address.kind === 'redis' ? loadRedisPeers() : loadPostgresPeers());
  throw new UsageError(`No jobs can be kept at ${shownAddress(address)} yet`, 'FSQ_CONFIG');
}
