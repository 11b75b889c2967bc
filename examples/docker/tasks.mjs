// tasks.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';

export const resize = task('resize', async (image) => {
  await sleep(2_000);
  return `${image}.small`;
});

export const mail = task('mail', { queue: 'mail' }, (to) => `mailed ${to}`);
