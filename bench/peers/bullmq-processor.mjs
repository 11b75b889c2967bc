/** The task of bullmq-sandboxed.mjs, which BullMQ loads in each of its children. */
export default async function add(job) {
  return job.data.x + job.data.y;
}

// BullMQ's child does not ask whether its parent lives.
process.on('disconnect', () => process.exit());
