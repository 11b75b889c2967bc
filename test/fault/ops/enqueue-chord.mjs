/** Two jobs and one that takes their values, in one call, and the last of them named first. */
import { enqueue, measure, newJob, open } from './op.mjs';

const broker = open();
await measure(async () => {
  const members = [newJob(broker), newJob(broker)];
  const after = members.map(({ job }) => job.id);
  await enqueue(broker, [newJob(broker, { options: { after, takes: 'values' } }), ...members]);
});
