/** The servers of the tests: each answers, keeps what it should, and is gone however its test file ends. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { Client } from 'pg';
import { within, until } from '../support/conditions.ts';
import { lacksPostgres, ownPostgresServer, postgresServer } from '../support/postgres-server.ts';
import { isProcessAlive } from '../support/processes.ts';
import { REPOSITORY } from '../support/project.ts';
import { lacksRedis, ownRedisServer, redisServer } from '../support/redis-server.ts';

describe('Redis', { skip: lacksRedis }, () => {
  test('one server is shared by the tests of a file, and answers', async () => {
    const [one, two] = [await redisServer(), await redisServer()];

    assert.equal(one, two);
    assert.equal(await redis(one.port, 'PING'), '+PONG\r\n');
    assert.equal(one.url('mine'), `bullmq+redis://127.0.0.1:${one.port}/0?prefix=mine`);
  });

  for (const isDurable of [false, true]) {
    test(`a server that starts again is at the same port, and knows ${isDurable ? 'all' : 'nothing'}`, async () => {
      const server = await ownRedisServer({ isDurable });
      const { port, pid } = server;
      await redis(port, 'SET a 1');
      // So much that the server reads for a while before it knows all.
      if (isDurable) await redis(port, `EVAL "for i = 1, 100000 do redis.call('SET', i, i) end" 0`);

      await server.restart('SIGKILL');

      assert.equal(server.port, port);
      assert.notEqual(server.pid, pid);
      assert.equal(await redis(port, 'GET a'), isDurable ? '$1\r\n1\r\n' : '$-1\r\n');
      await server.stop();
      await assert.rejects(redis(port, 'PING'), { code: 'ECONNREFUSED' });
    });
  }

  goesWithItsFile('redis-server', 'redisServer');
});

describe('PostgreSQL', { skip: lacksPostgres }, () => {
  test('one server is shared by the tests of a file, and answers', async () => {
    const [one, two] = [await postgresServer(), await postgresServer()];

    assert.equal(one, two);
    assert.deepEqual(await sql(one, 'select 1 as one'), [{ one: 1 }]);
  });

  test('a server that starts again after a crash is at the same port, and knows all', async () => {
    const server = await ownPostgresServer();
    const { pid } = server;
    await sql(server, 'create table a (b int)');

    await server.restart('SIGQUIT');

    assert.notEqual(server.pid, pid);
    assert.deepEqual(await sql(server, 'select * from a'), []);
  });

  goesWithItsFile('postgres-server', 'postgresServer');
});

function goesWithItsFile(module: string, start: string): void {
  for (const { how, code } of [
    { how: 'ends', code: '' },
    { how: 'fails', code: "throw new Error('as it should')" },
    { how: 'is killed', code: "process.kill(process.pid, 'SIGKILL')" },
    { how: 'is told to end', code: "process.kill(process.pid, 'SIGTERM')" },
  ]) {
    const lacksSetpriv = spawnSync('setpriv', ['--version']).error !== undefined && 'needs setpriv';
    const skip = how === 'is killed' || how === 'is told to end' ? lacksSetpriv : false;
    test(`the server is gone when the process of the test file ${how}`, { skip }, async (t) => {
      const pid = await pidOfOne(t, module, start, code);

      await until(() => !isProcessAlive(pid), 'the server has ended');
    });
  }
}

/** The process id of a server that a test of a process of its own has used. */
async function pidOfOne(t: TestContext, module: string, start: string, code: string): Promise<number> {
  const from = join(REPOSITORY, 'test/support', `${module}.ts`);
  const text = `
    import test from 'node:test';
    import { ${start} } from ${JSON.stringify(from)};
    test('uses it', async () => {
      process.stderr.write((await ${start}()).pid + '\\n');
      ${code}
    });`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', text];
  const file = spawn(process.execPath, args, { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => file.kill('SIGKILL'));
  const ended = once(file, 'exit');
  const [said] = await within(once(file.stderr, 'data'), 'the server');
  file.stderr.resume();
  await within(ended, 'the end of the test file');
  return Number(String(said));
}

async function redis(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${command}\r\n`);
    const [answer] = await within(once(socket, 'data'), `the answer to ${command}`);
    return String(answer);
  } finally {
    socket.destroy();
  }
}

async function sql(server: { readonly port: number; readonly host: string; readonly user: string }, text: string) {
  const { host, port, user } = server;
  const client = new Client({ host, port, user, database: user });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
