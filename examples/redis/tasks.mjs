// tasks.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';

export const resize = task('resize', async (image) => {
  await sleep(500);
  return `${image}.small`;
});
