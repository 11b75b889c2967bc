/** What is to be done for an order. */
import { appendFileSync } from 'node:fs';
import { task } from 'fsq';

/** Writes a line, in the place of a mail. */
export const sendReceipt = task('send-receipt', { retries: 5 }, (order: string, customer: string, cents: number) => {
  appendFileSync('receipts.txt', `${order} ${customer} ${(cents / 100).toFixed(2)}\n`);
});
