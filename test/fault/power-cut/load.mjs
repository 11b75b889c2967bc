// `load.mjs N`: N senders send jobs without end, of all kinds: alone, in batches small and large, for later, with keys, with retries, too
// large for a record of the journal, and such that may come too late. What it hears it notes outside the disk.
import { lstatSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { digest, note, noteError } from './notes.mjs';
import { add, keyed, large, retried } from './tasks.mjs';

const senders = Number(process.argv[2]);
/** Time in which nothing makes the last rename of a single sender durable but its own fsync. */
const pauseMs = senders === 1 ? 3 : 0;
let sent = 0;
let isOver = false;

await Promise.all(Array.from({ length: senders }, sendOnAndOn));

/**
 * An answer counts if the disk is there after it. Where the cut is an order to the file system, calls go on to return: XFS then answers
 * the fsync of a directory with 0, although the names are lost, and an lstat with EIO. A real cut lets nothing return.
 */
async function sendOnAndOn() {
  while (!isOver) {
    try {
      const jobs = await send(sent++);
      lstatSync(process.env.FSQ_SPOOL);
      for (const job of jobs) void follow(job);
      if (pauseMs > 0) await wait(pauseMs);
    } catch (error) {
      isOver = true;
      noteError(`sending: ${error.message}`);
    }
  }
}

/** Of each job: what it is an example of, its handle, and the value that it must have. */
async function send(i) {
  const value = i + 1;
  const one = (kind, result, its = value) => [{ kind, result, value: its }];
  // Enough that the whole file system is synced at once.
  if (i % 120 === 79) return many('many', await add.delayMany(Array.from({ length: 520 }, () => [i, 1])), value);
  if (i % 50 === 29) return mixed(value);
  switch (i % 10) {
    case 1: {
      const padding = 'é'.repeat(70_000);
      return one('large', await large.delay(value, padding), { sum: value, padding });
    }
    case 2:
      return one('keyed', await keyed.delay(i % 7), i % 7);
    case 3:
      return one('later', await add.applyAsync([i, 1], { countdown: 30 }));
    case 5:
      return one('retried', await retried.delay(i, 1));
    case 7:
      return many('some', await add.delayMany(Array.from({ length: 3 }, () => [i, 1])), value);
    case 8:
      return one('expiring', await add.applyAsync([i, 1], { expires: 3 }));
    default:
      return one('alone', await add.delay(i, 1));
  }
}

function many(kind, results, value) {
  return [...results].map((result) => ({ kind, result, value }));
}

/** One that is too large for a record, between others, in one call. */
async function mixed(sum) {
  const paddings = ['', 'x'.repeat(100_000), ''];
  const results = [...(await large.delayMany(paddings.map((padding) => [sum, padding])))];
  return results.map((result, i) => ({ kind: 'mixed', result, value: { sum, padding: paddings[i] } }));
}

async function follow({ kind, result, value }) {
  note('accepted', result.id, `${kind} ${valueDigest(value)}`);
  try {
    note('seen', result.id, valueDigest(await result.get()));
  } catch (error) {
    if (error.code === 'FSQ_EXPIRED' && kind === 'expiring') note('seen', result.id, 'expired');
    // An outcome that was forgotten before it could be read: whether that was right the test looks at.
    else if (error.code !== 'FSQ_UNKNOWN_JOB' && !isOver) noteError(`waiting: ${error.message}`);
  }
}

function valueDigest(value) {
  return digest(JSON.stringify(value));
}
