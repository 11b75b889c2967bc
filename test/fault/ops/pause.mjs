/** Pauses a queue and resumes it. */
import { close, measure, open } from './op.mjs';

const broker = open();
await measure(async () => {
  await broker.pause('default');
  await broker.resume('default');
});
await close(broker);
