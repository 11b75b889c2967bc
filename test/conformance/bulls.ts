/** The conformance suite for BullMQ. */
import type { TestContext } from 'node:test';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { type Part, testBroker } from './broker.ts';

/** Of each test: its jobs do not meet those of others, and its second opening sees what the first does. */
const addresses = new WeakMap<TestContext, Promise<string>>();
let tests = 0;

/**
 * Registers the suite for BullMQ on a server.
 *
 * @param datastore its name
 * @param addressOf what the setting `broker` says of the place called `name` on this server
 * @param parts of the suite; default: all
 */
export function testBulls(
  datastore: string,
  addressOf: (name: string) => Promise<string>,
  parts?: readonly Part[],
): void {
  testBroker(
    `BullMQ on ${datastore}`,
    async (t, options) => {
      const text = addresses.get(t) ?? addressOf(`fsq_test_${++tests}`);
      addresses.set(t, text);
      const broker = await openBullBroker({ address: parseBrokerAddress(await text), ...options });
      t.after(() => broker.close());
      return broker;
    },
    { ordersAcrossQueues: false, takesByName: false, fencesOwners: false, leavesToOthers: false },
    parts,
  );
}
