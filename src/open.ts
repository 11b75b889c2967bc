/** Which broker a setting means: the only file that names them. */
import { type AddressOptions, LateBroker } from './broker/late-broker.ts';
import { partOfFsq } from './broker/late-code.ts';
import { openSpool, type SpoolOptions } from './spool/spool.ts';
import type { Broker } from './broker/broker.ts';
import type { ServerReport } from './broker/beyond/server-report.ts';
import type * as BullBroker from './bullmq/bull-broker.ts';
import type * as ExamineServer from './bullmq/doctor/examine-server.ts';

export type BrokerOptions = SpoolOptions | AddressOptions;

/** The code for BullMQ is loaded by those who use it. */
const bullBroker = () => partOfFsq('bullmq/bull-broker.js') as Promise<typeof BullBroker>;
const serverExaminer = () => partOfFsq('bullmq/doctor/examine-server.js') as Promise<typeof ExamineServer>;

/**
 * A broker with an address is only asked for when it is used: what is wrong there, each use tells.
 *
 * @throws SpoolError when the store cannot be used
 */
export function openBroker(options: BrokerOptions): Broker {
  if ('path' in options) return openSpool(options);
  return new LateBroker(options, async () => (await bullBroker()).openBullBroker(options));
}

/**
 * Opens the broker and closes it, to see that it can be used.
 *
 * @returns true when there was none and this made it
 * @throws SpoolError, or what else the opening of the broker throws
 */
export async function tryBroker(options: BrokerOptions): Promise<boolean> {
  const broker = openBroker(options);
  try {
    if (broker instanceof LateBroker) await broker.opened();
    return broker.isNew;
  } finally {
    await broker.close();
  }
}

/** Looks at the server that keeps the jobs. @throws UsageError (FSQ_PEER) where packages are missing */
export async function examineBroker(options: AddressOptions): Promise<ServerReport> {
  return (await serverExaminer()).examineServer(options);
}
