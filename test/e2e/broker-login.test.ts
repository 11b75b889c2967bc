/** A worker of a broker with a password: the login reaches its children and what their tasks send, and nobody else sees it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { loadRedisPeers } from '../../src/bullmq/peers.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';
import { lacksRedis, ownRedisServer } from '../support/redis-server.ts';

test(
  'a worker, its children and their tasks log in by a configuration; no argument, log or message has the password',
  { skip: lacksRedis },
  async (t) => {
    const server = await ownRedisServer();
    await lock(server.host, server.port);
    const project = tempProject(t, {
      'tasks.mjs': `import { task } from 'fsq';
export const add = task('add', async (a, b) => a + b);
export const twice = task('twice', async (n) => ({ id: (await add.delay(n, n)).id, pid: process.pid }));
`,
      'fsq.config.mjs': `export default { broker: 'bullmq+redis://:s3cret@${server.host}:${server.port}/1', env: [] };`,
    });
    const worker = await startWorker(t, project, ['-c', '1']);

    const sent = await fsq(project, ['call', 'twice', '2']);
    const twice = await fsq(project, ['get', sent.stdout.trim(), '--timeout', '30s']);
    const { id, pid } = JSON.parse(twice.stdout === '' ? assert.fail(sent.stderr + twice.stderr) : twice.stdout);
    const sum = await fsq(project, ['get', id, '--timeout', '30s']);
    const seen = [worker.pid, pid].map((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8'));
    const { stderr: log } = await worker.stop();
    const env = { FSQ_BROKER: `bullmq+redis://:wr0ng@${server.host}:${server.port}/1` };
    const refused = await fsq(project, ['ls'], { env });

    assert.equal(sum.stdout, '4\n');
    assert.match(log, new RegExp(`"broker":"bullmq\\+redis://${server.host}:${server.port}/1"`));
    assert.match(seen[1] ?? '', /"password":null/);
    assert.equal(refused.code, 75);
    assert.match(refused.stderr, /:\d+\/1 cannot be used: WRONGPASS .*\(FSQ_BROKER\)\n$/);
    const told = [sent, twice, sum, refused].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    assert.doesNotMatch([...seen, log, ...told].join('\n'), /s3cret|wr0ng/);
  },
);

/** From now on the server wants the password. */
async function lock(host: string, port: number): Promise<void> {
  const { ioredis } = await loadRedisPeers();
  const client = new ioredis.Redis({ host, port });
  await client.config('SET', 'requirepass', 's3cret');
  client.disconnect();
}
