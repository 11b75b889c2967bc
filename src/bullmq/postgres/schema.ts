/** The schema in which the jobs are: BullMQ's tables, and fsq's own beside them. */
import type { Pool, PoolClient } from 'pg';
import type { PostgresPeers } from '../peers.ts';
import { LIMIT_FUNCTIONS, LIMIT_TABLES } from './limit-functions.ts';
import { LOG_FUNCTION } from './statements.ts';

export type Row = Readonly<Record<string, unknown>>;
/** One statement. @returns its rows */
export type Sql = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** Held while tables are made: "fsq" in ASCII. */
const LOCK = 0x667371;

/** Of fsq's tables and functions. One that is newer than this is left as it is: each can do what those before it could. */
const VERSION = 2;

/** A job that is removed takes what fsq keeps of it along. */
const TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS fsq_facts (key text PRIMARY KEY, value text NOT NULL, until_ms bigint)`,
  `CREATE TABLE IF NOT EXISTS fsq_fields (
    name text NOT NULL, field text NOT NULL, value text NOT NULL, PRIMARY KEY (name, field)
  )`,
  `CREATE TABLE IF NOT EXISTS fsq_tails (
    queue text NOT NULL, id text NOT NULL, tail text, claims integer, value text, report text, checkpoint text, logged bigint,
    PRIMARY KEY (queue, id), FOREIGN KEY (queue, id) REFERENCES job (queue, id) ON DELETE CASCADE ON UPDATE CASCADE
  )`,
  `ALTER TABLE fsq_tails ADD COLUMN IF NOT EXISTS admitted text`,
  ...LIMIT_TABLES,
];

const NOTE: string = `
INSERT INTO fsq_fields VALUES ('schema', 'version', '${VERSION}')
ON CONFLICT (name, field) DO UPDATE SET value = excluded.value`;

/**
 * Makes what is not there. One look where all is: many processes begin at once, and few may change tables.
 *
 * @param mustExist makes nothing
 * @returns false when there is nothing, and `mustExist`
 */
export async function establish(
  { bullmq }: PostgresPeers,
  pool: Pool,
  schema: string,
  mustExist: boolean,
): Promise<boolean> {
  const client = await pool.connect();
  try {
    const version = await versionOf(bullmq, client, schema);
    if (version === null && mustExist) return false;
    if ((version ?? 0) < bullmq.LATEST_SCHEMA_VERSION && !mustExist) await bullmq.runMigrations(client, schema);
    const made = await madeVersion(client);
    if (made === 0 && mustExist) return false;
    if (made < VERSION && !mustExist) await makeTables(client, schema);
    return true;
  } finally {
    client.release();
  }
}

/** Null: the schema has no tables of BullMQ. */
async function versionOf(bullmq: PostgresPeers['bullmq'], client: PoolClient, schema: string): Promise<number | null> {
  try {
    return await bullmq.assertSchemaCompatibility(client, schema);
  } catch (error) {
    if (error instanceof bullmq.SchemaMigrationRequiredError) return null;
    throw error;
  }
}

/** Of what is there; 0: nothing. */
async function madeVersion(client: PoolClient): Promise<number> {
  const found = await client.query<{ there: boolean }>(`SELECT to_regclass('fsq_fields') IS NOT NULL AS there`);
  if (found.rows[0]?.there !== true) return 0;
  const noted = await client.query<{ value: string }>(
    `SELECT value FROM fsq_fields WHERE name = 'schema' AND field = 'version'`,
  );
  return Number(noted.rows[0]?.value ?? 0);
}

async function makeTables(client: PoolClient, schema: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, schema]);
    // Of many that begin at once, the first has made them.
    if ((await madeVersion(client)) < VERSION)
      for (const text of [...TABLES, ...LIMIT_FUNCTIONS, LOG_FUNCTION, NOTE]) await client.query(text);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // The first error says more.
    throw error;
  }
}
