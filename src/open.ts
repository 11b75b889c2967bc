/** Which broker a setting means: the only file that names them. */
import { openSpool, type SpoolOptions } from './spool/spool.ts';
import type { Broker } from './broker/broker.ts';

export type BrokerOptions = SpoolOptions;

/** @throws SpoolError when the store cannot be used */
export function openBroker(options: BrokerOptions): Broker {
  return openSpool(options);
}
