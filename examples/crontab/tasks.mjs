// tasks.mjs
import { appendFileSync } from 'node:fs';
import { task } from 'fsq';

export const statement = task('statement', (customer) => {
  if (customer === '') throw new Error('a statement is for a customer');
  appendFileSync('statements.txt', `${customer}\n`);
});
