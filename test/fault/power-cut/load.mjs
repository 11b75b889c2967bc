// `load.mjs N`: N senders send jobs without end, one by one, in batches small and large, and such that wait a moment.
// What it hears it notes outside the disk.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { add } from './tasks.mjs';

const senders = Number(process.argv[2]);
/** Time in which nothing makes the last rename of a single sender durable but its own fsync. */
const pauseMs = senders === 1 ? 3 : 0;
let sent = 0;
let isOver = false;

await Promise.all(Array.from({ length: senders }, sendOnAndOn));

async function sendOnAndOn() {
  while (!isOver) {
    try {
      for (const { result, sum } of await send(sent++)) void follow(result, sum);
      if (pauseMs > 0) await wait(pauseMs);
    } catch (error) {
      isOver = true;
      note('errors', `sending: ${error.message}`);
    }
  }
}

async function send(i) {
  const sum = i + 1;
  if (i % 10 === 3) return [{ result: await add.applyAsync([i, 1], { countdown: 30 }), sum }];
  // Enough that the whole file system is synced at once.
  if (i % 50 === 19)
    return [...(await add.delayMany(Array.from({ length: 520 }, () => [i, 1])))].map((result) => ({ result, sum }));
  if (i % 10 === 7)
    return [
      ...(await add.delayMany([
        [i, 1],
        [i, 1],
        [i, 1],
      ])),
    ].map((result) => ({ result, sum }));
  return [{ result: await add.delay(i, 1), sum }];
}

async function follow(result, sum) {
  note('accepted', `${result.id} ${sum}`);
  try {
    note('seen', `${result.id} ${await result.get()}`);
  } catch (error) {
    if (!isOver) note('errors', `waiting: ${error.message}`);
  }
}

function note(file, line) {
  appendFileSync(`${process.env.NOTES}/${file}`, `${line}\n`);
}
