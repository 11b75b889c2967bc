/** Every peer of the bench, with few jobs; what is not installed says so. What the figures are worth is not asked here. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { startRedis } from '../../bench/peers/redis.mjs';
import { REPOSITORY } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';
import { isSane, runPeer } from './run-peer.ts';

const PEERS = ['bullmq', 'bullmq-sandboxed', 'fsq-bullmq', 'bee-queue', 'plainjob', 'liteque', 'celery'];
const CASES = [
  { scenario: 'process' },
  { scenario: 'enqueue', mode: 'one' },
  { scenario: 'enqueue', mode: 'parallel' },
  { scenario: 'enqueue', mode: 'bulk' },
  { scenario: 'end-to-end' },
  { scenario: 'round-trip' },
];
const installed = existsSync(join(REPOSITORY, 'bench/node_modules'));
const skip = installed ? false : 'needs the peers (npm ci --prefix bench)';

let redis: ReturnType<typeof startRedis> | undefined;
after(async () => {
  const server = await redis;
  if (server !== undefined && 'stop' in server) await server.stop();
});

for (const peer of PEERS) {
  test(`${peer} runs every scenario, or says why it cannot`, { skip, timeout: 240_000 }, async (t) => {
    const server = await (redis ??= startRedis(join(tempDir(t), 'redis')));
    const redisPort = 'port' in server ? server.port : undefined;
    for (const given of CASES) {
      await t.test(Object.values(given).join(', '), async (t) => {
        const jobs = peer === 'celery' && given.scenario === 'round-trip' ? 2 : 50;
        const run = await runPeer(join(REPOSITORY, `bench/peers/${peer}.mjs`), {
          ...given,
          jobs,
          warmUpJobs: 20,
          warmUpCalls: 5,
          redisPort,
          dir: tempDir(t),
        });

        assert.equal(run.code, 0, run.stderr);
        if (typeof run.line?.['missing'] === 'string') return t.skip(run.line['missing']);
        assert.ok(isSane(run.line, given.scenario), JSON.stringify(run));
      });
    }
  });
}
