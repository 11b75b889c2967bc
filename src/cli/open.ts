/** The spool that a command looks at. */
import { brokerOptions } from '../app/settings/settings.ts';
import type { Broker } from '../broker/broker.ts';
import { openBroker } from '../open.ts';
import type { Context } from './command.ts';
import { settingsOf } from './settings.ts';

/**
 * Opens the spool that is there and closes it when `use` has ended. None is made: looking must not change anything.
 *
 * @throws SpoolError (FSQ_NO_SPOOL) when there is none
 */
export async function withSpool<T>(context: Context, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = openBroker({ ...brokerOptions(await settingsOf(context)), mustExist: true });
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}
