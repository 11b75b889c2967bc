/**
 * Places an order: its row and the row of its job are written by one transaction, so there is a job exactly when there is an order.
 *
 *     node --import tsx order.ts CUSTOMER CENTS
 */
import { Client } from 'pg';

const [customer = '', cents = ''] = process.argv.slice(2);
const client = new Client(); // PGHOST, PGDATABASE and their like say where
await client.connect();
try {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string }>(
    'INSERT INTO orders (customer, cents) VALUES ($1, $2) RETURNING id',
    [customer, cents],
  );
  const id = rows[0]?.id ?? '';
  await client.query('INSERT INTO outbox (task, args) VALUES ($1, $2)', [
    'send-receipt',
    JSON.stringify([id, customer, Number(cents)]),
  ]);
  await client.query('COMMIT');
  console.log(`order ${id}`);
} finally {
  await client.end(); // What is not committed is rolled back, with its job.
}
