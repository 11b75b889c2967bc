/** Three jobs in one call, one of them for later, while another call is under way. */
import { enqueue, measure, newJob, open } from './op.mjs';

const broker = open();
await measure(async () => {
  const later = newJob(broker, { etaMs: Date.now() + 60_000 });
  await Promise.all([enqueue(broker, [newJob(broker), later, newJob(broker)]), enqueue(broker, [newJob(broker)])]);
});
