// The task of the power-cut test. Each run is noted outside the disk whose power is cut.
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';

export const add = task('add', (a, b) => {
  const { id, attempt } = currentJob();
  appendFileSync(`${process.env.NOTES}/runs`, `${id} ${attempt}\n`);
  return a + b;
});
