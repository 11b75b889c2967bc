/**
 * The relay: sends a job for each row of the outbox, and removes the row. It may be killed at any moment, and several may run.
 *
 * It first sends the jobs of the rows that it has locked, then removes these rows. If it dies in between, the rows are there still, and the next
 * relay sends them again: their keys let it find the jobs that are there.
 */
import { Client } from 'pg';
import type { AsyncResult } from 'fsq';
import { sendReceipt } from './tasks.ts';

interface Row {
  readonly id: string;
  readonly task: string;
  readonly args: unknown[];
}

/** What a row may ask for: nothing is looked up by a name found in a table. */
const SENDERS: Readonly<Record<string, (args: never, key: string) => Promise<AsyncResult>>> = {
  // A relay that comes back within a week sends nothing twice.
  [sendReceipt.name]: (args: [string, string, number], key) => sendReceipt.applyAsync(args, { key, unique: '7d' }),
};

/** Rows of one transaction: their jobs share the waits for the disk. */
const BATCH = 100;
/** How often it looks, though it was told of nothing, ms. */
const LOOK_EVERY_MS = 5_000;

const client = new Client();
await client.connect();
let wake = (): void => undefined;
client.on('notification', () => wake());
await client.query('LISTEN outbox');
for (;;) {
  // Asked for before the look: what comes after it is heard of.
  const told = new Promise<void>((resolve) => (wake = resolve));
  if ((await relay()) > 0) continue;
  const timer = setTimeout(() => wake(), LOOK_EVERY_MS);
  await told;
  clearTimeout(timer);
}

/** @returns how many rows it has sent and removed */
async function relay(): Promise<number> {
  await client.query('BEGIN');
  // Rows that another relay holds are left to that one.
  const { rows } = await client.query<Row>(
    'SELECT id, task, args FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED',
    [BATCH],
  );
  const sent = await Promise.allSettled(rows.map(send));
  const done = rows.filter((_, i) => sent[i]?.status === 'fulfilled');
  if (done.length > 0) await client.query('DELETE FROM outbox WHERE id = ANY($1)', [done.map(({ id }) => id)]);
  await client.query('COMMIT');
  for (const one of sent) if (one.status === 'rejected') console.error(`left in the outbox: ${one.reason}`);
  return done.length;
}

async function send({ id, task, args }: Row): Promise<void> {
  const sender = SENDERS[task];
  if (sender === undefined) throw new Error(`row ${id} names the task ${task}, which this relay does not send`);
  await sender(args as never, `outbox ${id}`); // As the row was written; the spool refuses what is no JSON.
}
