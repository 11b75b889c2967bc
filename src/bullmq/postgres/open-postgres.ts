/** The engine over PostgreSQL: a few connections for all queues, opened as they are needed, and one on which the process hears. */
import type { IQueueBackend } from 'bullmq';
import type { ClientConfig, Pool } from 'pg';
import { type PostgresAddress, shownAddress } from '../../broker/broker-address.ts';
import { SpoolError } from '../../job/errors.ts';
import { peek, reasonOf } from '../../job/values/realm.ts';
import { STALLED_LOOKS } from '../crew/housework.ts';
import { Awake } from '../awake.ts';
import type { BullOptions, Engine } from '../engine.ts';
import { loadPostgresPeers, type PostgresPeers } from '../peers.ts';
import { QueueNames } from '../queue-names.ts';
import { LOCK_MS } from '../redis/open-redis.ts';
import { Users } from '../users.ts';
import { exactBackend } from './wire/exact-backend.ts';
import { PostgresWaiter } from './wire/job-waiter.ts';
import { Listener } from './wire/listener.ts';
import { postgresFacts } from './postgres-facts.ts';
import { PostgresStore } from './postgres-store.ts';
import { patient } from './wire/patient-pool.ts';
import { establish, type Row, type Sql } from './schema.ts';

/** fsq decides by itself how often a job may lose its process. */
const NEVER_GIVE_UP = 1_000_000;
/**
 * How many connections a process has at most for its statements: one that makes nothing, as a child of a worker, works with one at a time.
 * What is not needed for a while is closed.
 */
const MAX_CONNECTIONS = 4;
const MAX_OF_CHILD = 1;
const IDLE_MS = 10_000;
/** How long a statement waits for a connection, ms. */
const CONNECT_MS = 10_000;

export async function openPostgres(address: PostgresAddress, options: BullOptions): Promise<Engine> {
  const peers = await loadPostgresPeers();
  const { schema } = address;
  const config = configOf(address);
  const pool = new peers.pg.Pool({
    ...config,
    max: options.mustExist === true ? MAX_OF_CHILD : MAX_CONNECTIONS,
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    connectionTimeoutMillis: CONNECT_MS,
  });
  pool.on('error', () => undefined); // Each statement that fails says so.
  await ready(peers, pool, address, options.mustExist ?? false);
  return engineOf(peers, pool, {
    config,
    schema,
    place: shownAddress(address),
    options,
  });
}

interface Parts {
  readonly config: ClientConfig;
  readonly schema: string;
  readonly place: string;
  readonly options: BullOptions;
}

function engineOf({ bullmq, pg }: PostgresPeers, pool: Pool, { config, schema, place, options }: Parts): Engine {
  const lockMs = options.lockMs ?? options.address.lockMs ?? LOCK_MS;
  let cuts = 0;
  const shared = patient(pool, () => cuts++);
  const connection = new (readyConnection(bullmq))(shared);
  connection.on('error', () => undefined);
  const queueOptions = {
    connection: shared,
    lockDuration: lockMs,
    stalledInterval: Math.floor(lockMs / STALLED_LOOKS),
  };
  const sql: Sql = async (text, values = []) => (await shared.query<Row>(text, values)).rows;
  const awake = new Awake(() => undefined); // The pool connects again by itself.
  const listener = new Listener(pg, config);
  const store = new PostgresStore(sql, schema, listener);
  const backends = new Map<string, IQueueBackend>();
  const users = new Users(async () => {
    awake.begin(); // Until all is closed: its sockets keep no process alive.
    await store.close();
    await listener.close();
    await connection.close();
    await pool.end();
    awake.close();
  });
  return {
    place,
    store,
    queues: new QueueNames(store),
    lockMs,
    nowMs: options.nowMs ?? Date.now,
    resultTtlMs: options.resultTtlMs ?? {},
    onEvent: options.onEvent ?? (() => undefined),
    awake,
    cuts: () => cuts,
    complete: (...ending) => store.complete(...ending),
    completeAndTake: null,
    tellsCompleted: false,
    trustsClocks: true,
    ownerName: () => `${process.pid}-${process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex')}`,
    backend: (queue) => {
      const known = backends.get(queue);
      if (known !== undefined) return known;
      const bare = { ...queueOptions, maxStalledCount: NEVER_GIVE_UP };
      const backend = exactBackend(new bullmq.PostgresQueueBackend(connection, queue, bare, false), sql);
      backends.set(queue, backend);
      return backend;
    },
    waiter: (queue) => new PostgresWaiter(queue, sql, listener),
    serverFacts: () => postgresFacts(sql),
    use: () => users.begin(),
  };
}

/** BullMQ's connection over a pool whose schema is known to be there: its own look knows no other schema than its default. */
function readyConnection(bullmq: PostgresPeers['bullmq']): typeof bullmq.PostgresConnection {
  return class extends bullmq.PostgresConnection {
    override async waitUntilReady(): Promise<void> {}
  };
}

function configOf({ host, port, user, password, database, schema, sslmode }: PostgresAddress): ClientConfig {
  return {
    host,
    port,
    database,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ssl: sslmode === 'disable' ? false : { rejectUnauthorized: sslmode === 'verify-full' },
    options: `-c search_path="${schema}"`,
    application_name: 'fsq',
  };
}

/** @throws SpoolError (FSQ_BROKER) that says what to do */
async function ready(peers: PostgresPeers, pool: Pool, address: PostgresAddress, mustExist: boolean): Promise<void> {
  const refused = (reason: string, cause?: unknown): SpoolError =>
    new SpoolError('FSQ_BROKER', `${shownAddress(address)} cannot be used: ${reason}`, { cause });
  try {
    if (await establish(peers, pool, address.schema, mustExist)) return;
  } catch (error) {
    await pool.end();
    throw refused(failureOf(error, address), error);
  }
  await pool.end();
  throw refused(
    `its schema has no queues. \`fsq init\` makes them, and so does the first program that sends, or a worker`,
  );
}

const CHECK = 'See that the server runs, and that FSQ_BROKER, or `broker` in the configuration, is right.';

function failureOf(error: unknown, { schema, database }: PostgresAddress): string {
  const reason = reasonOf(error) || String(peek(error, 'code'));
  if (peek(error, 'code') !== '42501') return `${reason}. ${CHECK}`;
  return `${reason}. fsq makes the tables of the schema once, and must own it: run CREATE SCHEMA "${schema}" AUTHORIZATION <its user> in the database ${database} as an administrator`;
}
