/** The bench's own Redis: it answers, and it goes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { startRedis } from '../../bench/peers/redis.mjs';
import { until } from '../support/conditions.ts';
import { REPOSITORY } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';

const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
const skip = has('redis-server') ? false : 'needs redis-server';

test('the server answers on loopback, persists nothing, and is gone after stop()', { skip }, async (t) => {
  const redis = await startRedis(join(tempDir(t), 'redis'));
  assert.ok('port' in redis, JSON.stringify(redis));
  t.after(() => redis.stop());

  const [save, log] = [await ask(redis.port, 'CONFIG GET save'), await ask(redis.port, 'CONFIG GET appendonly')];
  await redis.stop();

  assert.match(save, /\$0\r\n\r\n$/);
  assert.match(log, /\$2\r\nno\r\n$/);
  await assert.rejects(ask(redis.port, 'PING'), { code: 'ECONNREFUSED' });
});

test('two servers do not get in each other’s way', { skip }, async (t) => {
  const both = await Promise.all(['a', 'b'].map((name) => startRedis(join(tempDir(t), name))));
  for (const redis of both) if ('stop' in redis) t.after(() => redis.stop());

  const ports = both.map((redis) => ('port' in redis ? redis.port : redis.missing));

  assert.equal(new Set(ports).size, 2);
  assert.ok(ports.every(Number.isInteger), String(ports));
});

for (const { how, code } of [
  { how: 'ends', code: 'process.exit(0)' },
  { how: 'fails', code: "throw new Error('as it should')" },
  { how: 'is killed', code: "process.kill(process.pid, 'SIGKILL')" },
]) {
  const needs = how === 'is killed' && !has('setpriv') ? 'needs setpriv' : skip;
  test(`the server is gone when the process that started it ${how}`, { skip: needs }, async (t) => {
    const port = await portOf(t, code);

    await until(
      () =>
        ask(port, 'PING').then(
          () => false,
          () => true,
        ),
      'nothing listens there any more',
    );
  });
}

test('without redis-server on the PATH it is missing, and says what to install', async (t) => {
  const path = process.env['PATH'];
  t.after(() => (process.env['PATH'] = path));
  process.env['PATH'] = '/nowhere';

  const redis = await startRedis(join(tempDir(t), 'redis'));

  assert.match('missing' in redis ? redis.missing : '', /apt-get install redis-server/);
});

/** The port of a server whose starter prints it and then runs `code`. */
async function portOf(t: TestContext, code: string): Promise<number> {
  const source = `
    const { startRedis } = await import(${JSON.stringify(join(REPOSITORY, 'bench/peers/redis.mjs'))});
    const redis = await startRedis(${JSON.stringify(join(tempDir(t), 'redis'))});
    process.stdout.write(String(redis.port), () => { ${code}; });`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  starter.stdout.on('data', (data) => (out += data));
  await once(starter, 'close');
  assert.match(out, /^\d+$/);
  return Number(out);
}

function ask(port: number, command: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      done(String(data));
    });
    socket.once('error', fail);
  });
}
