/** The spool that a command looks at. */
import type { Broker } from '../broker/broker.ts';
import { openBroker } from '../broker/open.ts';
import type { Context } from './command.ts';
import { settingsOf } from './settings.ts';

/**
 * Opens the spool that is there and closes it when `use` has ended. None is made: looking must not change anything.
 *
 * @throws SpoolError (FSQ_NO_SPOOL) when there is none
 */
export async function withSpool<T>(context: Context, use: (broker: Broker) => Promise<T>): Promise<T> {
  const { spool, fsync, resultTtlMs, allowNetworkFs, allowUnsafe } = await settingsOf(context);
  const broker = openBroker({ path: spool, fsync, resultTtlMs, allowNetworkFs, allowUnsafe, mustExist: true });
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}
