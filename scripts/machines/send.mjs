// Sends jobs at an even pace, and writes down those that were accepted: `send.mjs COUNT EVERY_MS`.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { work } from './tasks.mjs';

const [count, everyMs] = process.argv.slice(2).map(Number);
for (let i = 0; i < count; i++) {
  // Most are short; some are long enough to be caught by whatever happens.
  const ms = i % 5 === 0 ? 1_500 : 100;
  try {
    const { id } = await work.delay(ms);
    appendFileSync(process.env.ACCEPTED, `${id}\n`);
  } catch (error) {
    appendFileSync(process.env.REJECTED, `${error.code}\n`);
  }
  await wait(everyMs);
}
process.exit();
