/** The orderly end of a worker: a consumer and a keeper give up their proofs of life. */
import { measure, onEvent, open } from './op.mjs';

const broker = open();
const keeper = await broker.keeper({ queues: null, onEvent });
const consumer = await broker.consumer({ queues: null, tasks: [], onEvent });
await measure(async () => {
  await consumer.close();
  await keeper.close();
  await broker.close();
});
