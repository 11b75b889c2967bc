import { task } from 'fsq';

export const add = task('add', async (a: number, b: number) => a + b);
