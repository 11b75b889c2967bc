/** What a PostgreSQL says of itself. */
import type { PostgresFacts } from '../doctor/server-facts.ts';
import type { Sql } from './schema.ts';

const FACTS: string = `
SELECT current_setting('server_version') AS version, pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
  current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
  current_setting('max_connections') AS most, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS now,
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`;

/** @throws the driver's error where it cannot be reached */
export async function postgresFacts(sql: Sql): Promise<PostgresFacts> {
  const askedAtMs = Date.now();
  const [row = {}] = await sql(FACTS);
  const hereMs = (askedAtMs + Date.now()) / 2;
  return {
    kind: 'postgres',
    version: String(row['version']),
    skewMs: Math.round(Number(row['ms']) - hereMs),
    isReadOnly: row['read_only'] === true,
    fsync: row['fsync'] === 'on',
    synchronousCommit: String(row['commit']),
    connections: Number(row['now']),
    maxConnections: Number(row['most']),
    hidden: [],
  };
}
