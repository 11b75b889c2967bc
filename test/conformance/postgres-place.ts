/** A place on a PostgreSQL for each test of a file. */
import test from 'node:test';
import { Client } from 'pg';
import { HOST } from '../support/own-server.ts';
import { lacksPostgres, postgresServer } from '../support/postgres-server.ts';
import type { Part } from './broker.ts';
import { testBulls } from './bulls.ts';

const SCHEMA = 'fsq_test';
/** Which rows of a table are kept: what says that all tables are there. */
const KEPT: Readonly<Record<string, string>> = { migration: 'true', fsq_fields: `name = 'schema'` };

/** A part of the suite for BullMQ on PostgreSQL. */
export function testPostgres(part: Part): void {
  const name = `PostgreSQL, ${part}`;
  if (lacksPostgres !== false) {
    test(`BullMQ on ${name}`, { skip: lacksPostgres });
    return;
  }
  testBulls(name, async () => {
    const { port, user, database, url } = await postgresServer();
    const client = new Client({ host: HOST, port, user, database });
    await client.connect();
    try {
      await emptySchema(client);
    } finally {
      await client.end();
    }
    return url(SCHEMA);
  }, [part]);
}

/** The tests run one after the other, in one schema: to make its tables and functions takes half a second, to empty them a millisecond. */
async function emptySchema(client: Client): Promise<void> {
  const tables = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('${SCHEMA}') AND relkind IN ('r', 'p')`,
  );
  const deletions = tables.rows.map(({ name }) => `DELETE FROM ${SCHEMA}.${name} WHERE NOT (${KEPT[name] ?? 'false'})`);
  // No foreign key is looked after meanwhile.
  await client.query(['BEGIN', 'SET LOCAL session_replication_role = replica', ...deletions, 'COMMIT'].join(';'));
}
