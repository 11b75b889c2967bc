/** A PostgreSQL under fire: a command is what a client sends up to a Sync, or a simple query. */
import type { Socket } from 'node:net';
import { Client } from 'pg';
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import { postgresServer } from '../../support/postgres-server.ts';
import type { Command } from './command-proxy.ts';
import { AGING_TABLES, type FaultPlace, LASTING, olderEntry } from './place.ts';

/** How long a statement may take that waits for another one, ms. */
const SURELY_DONE_MS = 1_000;
/** The kinds of messages that end what a client asks as one, and what belongs to the connection (PostgreSQL's documentation, 55.7). */
const ENDS = ['S', 'Q', 'X', 'p'];
const OF_CONNECTION = ['X', 'p'];

export const POSTGRES: FaultPlace = {
  protocol: { parser, done },
  port: async () => (await postgresServer()).port,
  url: async (schema) => (await postgresServer()).url(schema),
  endLocks,
  makeOld,
  leftIn,
};

/** Messages are a letter and a length, and then the rest; the first of a connection has no letter. */
function parser(): (chunk: Buffer) => readonly Command[] {
  let rest: Buffer = Buffer.alloc(0);
  let hasBegun = false;
  let parts: Buffer[] = [];
  let text: string | null = null;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const commands: Command[] = [];
    for (;;) {
      const at = hasBegun ? 1 : 0;
      if (rest.length < at + 4) return commands;
      const length = at + rest.readInt32BE(at);
      if (rest.length < length) return commands;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      parts.push(message);
      const kind = hasBegun ? message.toString('latin1', 0, 1) : 'X';
      hasBegun = true;
      if (kind === 'P' || kind === 'Q') text = nameOf(message);
      if (!ENDS.includes(kind)) continue;
      commands.push({
        bytes: Buffer.concat(parts),
        name: OF_CONNECTION.includes(kind) ? null : (text ?? 'again'),
      });
      parts = [];
      text = null;
    }
  };
}

/** For people: the beginning of a statement. A Parse has the name of the statement before it. */
function nameOf(message: Buffer): string {
  const [first = '', second = ''] = message.toString('latin1', 5).split('\0');
  const statement = message[0] === 'P'.charCodeAt(0) ? second : first;
  return statement.replaceAll(/\s+/g, ' ').trim().slice(0, 60);
}

/** The server has done it when it is ready for the next. */
async function done({ bytes }: Command, server: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, SURELY_DONE_MS);
    server.on('data', (chunk: Buffer) => {
      // The last message is Z: five more bytes, the last of which is the state of the transaction.
      if (chunk.toString('latin1').at(-6) !== 'Z') return;
      clearTimeout(timer);
      resolve();
    });
    server.write(bytes);
  });
}

type Rows = (sql: string, values?: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;

async function asked<T>(text: string, act: (rows: Rows) => Promise<T>): Promise<T> {
  const address = parseBrokerAddress(text);
  if (address.kind !== 'postgres') throw new Error('Expected a PostgreSQL.');
  const { host, port, user, database, schema } = address;
  const options = `-c search_path="${schema}"`;
  const client = new Client({ host, port, database, options, ...(user === null ? {} : { user }) });
  await client.connect();
  try {
    return await act(async (sql, values = []) => (await client.query<Record<string, unknown>>(sql, [...values])).rows);
  } finally {
    await client.end();
  }
}

function endLocks(text: string): Promise<void> {
  return asked(text, async (rows) => {
    await rows(`UPDATE job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active'`);
  });
}

function makeOld(text: string, byMs: number): Promise<void> {
  return asked(text, async (rows) => {
    for (const { name, field, value } of await rows('SELECT * FROM fsq_fields WHERE name = ANY($1)', [AGING_TABLES])) {
      const older = olderEntry(String(name), String(value), byMs);
      await rows('UPDATE fsq_fields SET value = $3 WHERE name = $1 AND field = $2', [name, field, older]);
    }
  });
}

function leftIn(text: string, ids: readonly string[]): Promise<readonly string[]> {
  return asked(text, async (rows) => {
    const facts = await rows(`
      SELECT key AS name, value FROM fsq_facts UNION ALL SELECT name, field || ' ' || value FROM fsq_fields`);
    const left = facts.filter(({ name }) => !LASTING.test(String(name))).map(({ name, value }) => `${name}: ${value}`);
    const twice = await rows('SELECT id FROM job WHERE id = ANY($1) GROUP BY id HAVING count(*) > 1', [ids]);
    const held = await rows(`SELECT id FROM job WHERE state = 'active'`);
    return [
      ...left.map((what) => `${what} is left`),
      ...twice.map(({ id }) => `${id} is in two queues`),
      ...held.map(({ id }) => `${id} is held`),
    ];
  });
}
