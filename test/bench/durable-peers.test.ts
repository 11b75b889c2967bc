/** The queues that fsq with fsync is compared with are as safe only while they sync: counted with strace, and asked of the server. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { startRedis, syncsAlways } from '../../bench/peers/redis.mjs';
import { REPOSITORY } from '../support/project.ts';
import { NO_STRACE } from '../support/strace.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runPeer } from './run-peer.ts';

const noRedis =
  spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).error === undefined ? false : 'needs redis-server';
const noPeers = existsSync(join(REPOSITORY, 'bench/node_modules/plainjob'))
  ? false
  : 'needs the peers (npm ci --prefix bench)';
const FOLDER_PEER = join(REPOSITORY, 'test/bench/fixtures/folder-peer.mjs');
const JOBS = 40;
/** What a server or a database syncs for itself. */
const OWN = 30;

for (const isDurable of [true, false]) {
  const does = isDurable ? 'syncs each write before it answers, and says so' : 'syncs nothing, and says so';
  test(`a Redis ${isDurable ? 'that is durable' : 'in memory'} ${does}`, { skip: NO_STRACE || noRedis }, (t) => {
    const dir = tempDir(t);

    const { stdout, syncs } = traced(t, ['--input-type=module', '-e', writer(dir, isDurable)]);

    assert.equal(stdout, String(isDurable));
    if (isDurable) assert.ok(syncs >= JOBS, `${syncs} syncs of ${JOBS} writes`);
    else assert.equal(syncs, 0);
  });

  const commits = isDurable ? 'syncs each' : 'syncs a few';
  test(
    `plainjob ${isDurable ? 'that is durable ' : ''}${commits} of its commits`,
    { skip: NO_STRACE || noPeers },
    (t) => {
      const options = { scenario: 'enqueue', mode: 'one', jobs: JOBS, warmUpJobs: 1, durable: isDurable };
      const program = join(REPOSITORY, 'bench/peers/plainjob.mjs');

      const { stdout, syncs } = traced(t, [program, JSON.stringify({ ...options, dir: tempDir(t) })]);

      assert.match(stdout, /"seconds":/);
      assert.equal(syncs >= JOBS, isDurable, `${syncs} syncs of ${JOBS} commits`);
      assert.ok(syncs < JOBS + OWN, `${syncs} syncs of ${JOBS} commits`);
    },
  );
}

test('a peer gives no durable figures of a Redis that does not sync each write', { skip: noRedis }, async (t) => {
  const redis = await startRedis(join(tempDir(t), 'redis'));
  assert.ok('port' in redis, JSON.stringify(redis));
  t.after(() => redis.stop());

  const isSynced = await syncsAlways(redis.port);
  const run = await runPeer(FOLDER_PEER, durably({ redisPort: redis.port, dir: tempDir(t) }));

  assert.equal(isSynced, false);
  assert.equal(run.code, 1);
  assert.equal(run.line, null);
  assert.match(run.stderr, /Expected a Redis with appendonly yes and appendfsync always at port \d+/);
});

test('a peer that is not set up to sync each commit says so in place of durable figures', async (t) => {
  const run = await runPeer(FOLDER_PEER, durably({ dir: tempDir(t) }));

  assert.equal(run.code, 0);
  assert.deepEqual(run.line, { missing: 'it is not set up here to sync each commit' });
});

function durably(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { scenario: 'enqueue', mode: 'one', jobs: 5, warmUpJobs: 1, durable: true, ...more };
}

/** A program that starts a server, prints what it says of itself, and makes the writes one after another. */
function writer(dir: string, isDurable: boolean): string {
  return `
    import { once } from 'node:events';
    import { connect } from 'node:net';
    import { startRedis, syncsAlways } from ${JSON.stringify(join(REPOSITORY, 'bench/peers/redis.mjs'))};
    const redis = await startRedis(${JSON.stringify(join(dir, 'redis'))}, { isDurable: ${isDurable} });
    process.stdout.write(String(await syncsAlways(redis.port)));
    const socket = connect(redis.port, '127.0.0.1');
    for (let i = 0; i < ${JOBS}; i++) {
      socket.write('SET key ' + i + '\\r\\n');
      await once(socket, 'data');
    }
    socket.destroy();
    await redis.stop();`;
}

/** Runs Node and all that it starts under strace, and counts what they sync. */
function traced(t: TestContext, args: readonly string[]): { readonly stdout: string; readonly syncs: number } {
  const log = join(tempDir(t), 'calls');
  const strace = ['-f', '-qq', '-e', 'trace=fsync,fdatasync', '-o', log, process.execPath, ...args];
  const { status, stdout, stderr } = spawnSync('strace', strace, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  return { stdout, syncs: readFileSync(log, 'utf8').match(/ f(data)?sync\(/g)?.length ?? 0 };
}
