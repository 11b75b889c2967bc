/** So many jobs in one call that they go through the journal, then one more; then what was recorded is made durable and freed. */
import { close, enqueue, measure, newJob, open } from './op.mjs';

const broker = open();
await measure(async () => {
  await enqueue(
    broker,
    Array.from({ length: 17 }, () => newJob(broker)),
  );
  await enqueue(broker, [newJob(broker)]);
  await close(broker);
});
