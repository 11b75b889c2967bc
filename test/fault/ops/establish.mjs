/** A new spool, and the first job in it. */
import { enqueue, measure, newJob, open } from './op.mjs';

await measure(async () => {
  const broker = open();
  await enqueue(broker, [newJob(broker)]);
});
