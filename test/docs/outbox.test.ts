/** The example of an outbox, with a PostgreSQL of its own: a relay that is killed between sending and removing sends nothing twice. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Client } from 'pg';
import { createApp } from '../../src/index.ts';
import { until } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { type Project, REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const EXAMPLE = join(REPOSITORY, 'examples/outbox');
const ORDERS = 40;
/** PostgreSQL refuses to run as root. */
const AS_NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

type Env = Readonly<Record<string, string>>;

test(
  'each committed order has one receipt, though the relay dies after it has sent and before it removes its rows',
  { timeout: 120_000, skip: lacksProgram('initdb', 'postgres') },
  async (t) => {
    const { env, connect } = await startPostgres(t);
    const project = exampleProject(t);
    const database = await connect();
    await database.query(readFileSync(join(EXAMPLE, 'schema.sql'), 'utf8'));
    const app = createApp({ spool: project.spool });
    t.after(() => app.close());
    const broker = await app.broker();
    const left = async (): Promise<number> => Number((await database.query('SELECT id FROM outbox')).rowCount);

    const [first, refused] = [await order(project, env, 'Ada', '1999'), await order(project, env, 'Bob', '0')];
    for (let i = 2; i <= ORDERS; i++) await place(database, i);
    // It lets the relay read and lock the rows, and not remove them.
    const blocker = await connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE outbox IN SHARE MODE');
    const killed = startRelay(t, project, env);
    await until(async () => (await broker.counts()).pending === ORDERS, 'all jobs are sent');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await blocker.query('ROLLBACK');
    const leftByTheDead = await left();

    const relay = startRelay(t, project, env);
    await until(async () => (await left()) === 0, 'the outbox is empty');
    await place(database, 0);
    await until(
      async () => (await broker.counts()).pending === ORDERS + 1,
      'the last job is sent, as its commit was told',
    );
    relay.kill('SIGKILL');
    const worked = await startWorker(t, project, ['--burst', '-c', '1']);
    await worked.ended;

    assert.deepEqual([first.stdout, refused.code, leftByTheDead], ['order 1\n', 1, ORDERS]);
    const receipts = readFileSync(join(project.path, 'receipts.txt'), 'utf8').trimEnd().split('\n');
    assert.equal(receipts[0], '1 Ada 19.99');
    assert.equal(receipts.length, ORDERS + 1);
    assert.equal(new Set(receipts).size, ORDERS + 1);
  },
);

function exampleProject(t: TestContext): Project {
  const project = tempProject(t, {});
  cpSync(EXAMPLE, project.path, { recursive: true, filter: (path) => !/\/(?:spool|receipts\.txt)$/.test(path) });
  for (const name of ['pg', 'pg-types', 'pg-protocol', 'pg-pool', 'pg-connection-string', 'pgpass', 'pg-int8'])
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(project.path, 'node_modules', name));
  return project;
}

/** One that listens on a socket in a folder of its own, and ends after the test. */
async function startPostgres(t: TestContext): Promise<{ readonly env: Env; connect(): Promise<Client> }> {
  const home = tempDir(t);
  const data = join(home, 'data');
  if (AS_NOBODY.uid !== undefined) chownSync(home, AS_NOBODY.uid, AS_NOBODY.gid);
  const options: SpawnSyncOptions = { ...AS_NOBODY, cwd: home, encoding: 'utf8' };
  const made = spawnSync('initdb', ['-D', data, '-U', 'fsq', '--auth=trust', '--no-sync', '-E', 'UTF8'], options);
  assert.equal(made.status, 0, String(made.stderr));
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${home}`, '-c', 'fsync=off'];
  const server = spawn('postgres', ['-D', data, ...settings], { ...AS_NOBODY, cwd: home, stdio: 'ignore' });
  const clients: Client[] = [];
  t.after(async () => {
    await Promise.all(clients.map((client) => client.end()));
    server.kill('SIGQUIT');
    await once(server, 'exit');
  });
  const env = { PGHOST: home, PGUSER: 'fsq', PGDATABASE: 'postgres' };
  const connect = (): Promise<Client> =>
    until(async () => {
      const client = new Client({ host: home, user: 'fsq', database: 'postgres' });
      try {
        await client.connect();
        clients.push(client);
        return client;
      } catch {
        return null; // It does not listen yet.
      }
    }, 'PostgreSQL answers');
  return { env, connect };
}

function order(project: Project, env: Env, ...args: readonly string[]): ReturnType<typeof run> {
  return run(project, process.execPath, ['--import', 'tsx', 'order.ts', ...args], { env });
}

async function place(database: Client, n: number): Promise<void> {
  await database.query('INSERT INTO outbox (task, args) VALUES ($1, $2)', [
    'send-receipt',
    JSON.stringify([`o${n}`, 'Eve', n]),
  ]);
}

function startRelay(t: TestContext, project: Project, env: Env): ReturnType<typeof spawn> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'relay.ts'], {
    cwd: project.path,
    env: { ...process.env, ...env, FSQ_SPOOL: project.spool },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}
