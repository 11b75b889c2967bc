/** A keeper that counts, and takes over what processes had counted that have ended: no job depends on any of it. */
import { close, input, measure, onEvent, open } from './op.mjs';

const broker = open();
await measure(async () => {
  const keeper = await broker.keeper({ queues: null, onEvent });
  keeper.count(input.figures);
  await keeper.close();
});
await close(broker);
