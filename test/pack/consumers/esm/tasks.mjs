import { task } from 'fsq';

export const add = task('add', async (a, b) => a + b);
