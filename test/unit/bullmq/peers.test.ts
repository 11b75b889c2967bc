/** The optional packages are found from where a user has them, in a version that fits, or the error says what to run. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { loadPeers, loadPostgresPeers, loadRedisPeers } from '../../../src/bullmq/peers.ts';
import { tempDir } from '../../support/temp-dir.ts';

test('the packages of this checkout fit, and are loaded once', async () => {
  const [redis, postgres] = [await loadRedisPeers(), await loadPostgresPeers()];

  assert.equal(typeof redis.bullmq.Queue, 'function');
  assert.equal(typeof redis.ioredis.Redis, 'function');
  assert.equal(typeof postgres.pg.Pool, 'function');
  assert.equal(postgres.bullmq, redis.bullmq);
  assert.equal((await import('bullmq')).Queue, redis.bullmq.Queue);
  assert.equal(await loadRedisPeers(), redis);
});

test('a driver is the one that BullMQ has', (t) => {
  const root = tempDir(t);
  install(root, 'ioredis', '5.4.0');
  install(root, 'bullmq', '6.7.3');
  install(join(root, 'node_modules/bullmq'), 'ioredis', '5.9.0');

  const { ioredis } = loadPeers(['bullmq', 'ioredis'], [join(root, 'main.js')]);

  assert.deepEqual(ioredis, { name: 'ioredis', version: '5.9.0' });
});

test('an fsq that is linked finds them in the project', (t) => {
  const [checkout, project] = [tempDir(t), tempDir(t)];
  install(project, 'bullmq', '6.7.0');
  install(project, 'ioredis', '5.4.0');

  const found = loadPeers(['bullmq', 'ioredis'], [join(checkout, 'dist/x.js'), join(project, 'fsq')]);

  assert.deepEqual(found['bullmq'], { name: 'bullmq', version: '6.7.0' });
});

test('an fsq that pnpm installed finds them beside it', (t) => {
  const root = tempDir(t);
  const store = join(root, 'node_modules/.pnpm/fsq@1_bullmq@6');
  install(join(root, 'node_modules/.pnpm/bullmq@6'), 'bullmq', '6.7.0');
  install(join(root, 'node_modules/.pnpm/bullmq@6'), 'pg', '8.16.0');
  mkdirSync(join(store, 'node_modules/fsq/dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules/.pnpm/bullmq@6/node_modules/bullmq'), join(store, 'node_modules/bullmq'));

  const found = loadPeers(['bullmq', 'pg'], [join(store, 'node_modules/fsq/dist/index.js')]);

  assert.deepEqual(found['pg'], { name: 'pg', version: '8.16.0' });
});

test('one that does not fit is passed over where another does', (t) => {
  const [checkout, project] = [tempDir(t), tempDir(t)];
  install(checkout, 'bullmq', '5.58.0');
  install(project, 'bullmq', '6.7.0');

  const found = loadPeers(['bullmq'], [join(checkout, 'x.js'), join(project, 'x.js')]);

  assert.deepEqual(found['bullmq'], { name: 'bullmq', version: '6.7.0' });
});

const REDIS_COMMAND = / Run: npm install bullmq@~6\.7 ioredis@5$/;

for (const [what, versions, says] of [
  ['none is there', {}, /^This broker needs the package bullmq, version 6\.7; none is installed\. Run/],
  ['BullMQ is older', { bullmq: '6.6.9', ioredis: '5.0.0' }, /package bullmq, version 6\.7; found "6\.6\.9"\./],
  ['BullMQ is newer', { bullmq: '6.8.0', ioredis: '5.0.0' }, /package bullmq, version 6\.7; found "6\.8\.0"\./],
  ['the driver is missing', { bullmq: '6.7.0' }, /package ioredis, version 5\.0 or newer; none is installed\./],
  ['the driver is older', { bullmq: '6.7.0', ioredis: '4.28.5' }, /package ioredis, version 5\.0 or newer; found "4/],
  ['there is no version', { bullmq: 'main' }, /package bullmq, version 6\.7; found "main"\./],
] as const) {
  test(`${what}: the error says what to run`, (t) => {
    const root = tempDir(t);
    for (const [name, version] of Object.entries(versions)) install(root, name, version);

    assert.throws(
      () => loadPeers(['bullmq', 'ioredis'], [join(root, 'main.js')]),
      ({ name, code, message }: Error & { code: string }) => {
        assert.deepEqual([name, code], ['UsageError', 'FSQ_PEER']);
        assert.match(message, says);
        assert.match(message, REDIS_COMMAND);
        return true;
      },
    );
  });
}

test('of PostgreSQL it names pg', (t) => {
  const root = tempDir(t);
  install(root, 'bullmq', '6.7.0');
  install(root, 'pg', '8.15.9');

  assert.throws(() => loadPeers(['bullmq', 'pg'], [join(root, 'main.js')]), {
    code: 'FSQ_PEER',
    message:
      'This broker needs the package pg, version 8.16 or newer; found "8.15.9". Run: npm install bullmq@~6.7 pg@8',
  });
});

test('one that is broken says why', (t) => {
  const root = tempDir(t);
  install(root, 'bullmq', '6.7.0', 'throw new Error("no such thing")');

  assert.throws(() => loadPeers(['bullmq'], [join(root, 'main.js')]), {
    code: 'FSQ_PEER',
    message: /it cannot be loaded: no such thing\. Run: npm install bullmq@~6\.7$/,
  });
});

function install(root: string, name: string, version: string, code?: string): void {
  const manifest = join(root, 'node_modules', name, 'package.json');
  mkdirSync(dirname(manifest), { recursive: true });
  writeFileSync(manifest, JSON.stringify({ name, version, main: './main.js' }));
  writeFileSync(join(dirname(manifest), 'main.js'), code ?? `module.exports = ${JSON.stringify({ name, version })}`);
}
