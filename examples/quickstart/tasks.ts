// tasks.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';

export const add = task('add', async (a: number, b: number) => {
  await sleep(4_000);
  return a + b;
});
