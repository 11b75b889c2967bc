/** The start of a worker: a keeper and a consumer announce themselves. */
import { close, measure, onEvent, open } from './op.mjs';

const broker = open();
let keeper;
let consumer;
await measure(async () => {
  keeper = await broker.keeper({ queues: null, onEvent });
  consumer = await broker.consumer({ queues: null, tasks: [], onEvent });
});
await close(consumer, keeper, broker);
