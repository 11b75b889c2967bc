/** What a child is given of its worker's settings. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Config } from '../../../src/app/settings/config.ts';
import { withLogin } from '../../../src/app/settings/place.ts';
import { resolveSettings } from '../../../src/app/settings/sources.ts';
import { BY_AGE } from '../../../src/broker/worker-side.ts';
import { childEnvironment, type Launch, launchOf } from '../../../src/worker/launch.ts';
import { toArguments } from '../../../src/worker/messages.ts';
import { TaskModules } from '../../../src/worker/task-modules.ts';
import { tempDir } from '../../support/temp-dir.ts';

async function launched(t: TestContext, config: Config): Promise<Launch> {
  const settings = await resolveSettings(config, tempDir(t), {});
  const modules = new TaskModules({ files: [], imports: settings.imports, find: null });
  return launchOf({ settings, modules, queues: null, order: BY_AGE, logFormat: 'json' }, '1-0123456789abcdef');
}

test('a child opens the spool as its worker does', async (t) => {
  const shared = { fsync: false, allowNetworkFs: true, allowUnsafe: true };

  const { options } = await launched(t, { ...shared, spool: '/x', resultTtl: '5s' });

  assert.deepEqual(options.broker, { ...shared, path: '/x', resultTtlMs: 5_000 });
});

test('what is allowed of the place counts for what tasks send, and nothing else is', async (t) => {
  const allowed = async (config: Config): Promise<readonly (string | undefined)[]> => {
    const { env } = await launched(t, { spool: '/x', ...config });
    return [env['FSQ_SPOOL'], env['FSQ_ALLOW_NETWORK_FS'], env['FSQ_ALLOW_UNSAFE']];
  };

  assert.deepEqual(await allowed({}), ['/x', undefined, undefined]);
  assert.deepEqual(await allowed({ allowNetworkFs: true }), ['/x', '1', undefined]);
  assert.deepEqual(await allowed({ allowUnsafe: true, env: [] }), ['/x', undefined, '1']);
});

test('a child of a broker gets its login by the environment, and not as an argument; a spool of the environment it does not get', async (t) => {
  process.env['FSQ_SPOOL'] = '/elsewhere';
  t.after(() => delete process.env['FSQ_SPOOL']);

  const { options, env } = await launched(t, { broker: 'bullmq+rediss://me:secret@db/1', resultTtl: '5s', env: [] });

  assert.doesNotMatch(toArguments(options).join(' '), /secret|\bme\b/);
  assert.equal(env['FSQ_BROKER'], 'bullmq+rediss://me:secret@db:6379/1');
  assert.equal(env['FSQ_SPOOL'], undefined);
  assert.deepEqual(withLogin(options.broker, env), {
    address: {
      kind: 'redis',
      tls: true,
      host: 'db',
      port: 6379,
      user: 'me',
      password: 'secret',
      db: 1,
      prefix: 'bull',
    },
    resultTtlMs: 5_000,
  });
});

test('a child of a spool does not get the broker of the environment', async (t) => {
  process.env['FSQ_BROKER'] = 'bullmq+redis://db';
  t.after(() => delete process.env['FSQ_BROKER']);

  const { options, env } = await launched(t, { spool: '/x' });

  assert.deepEqual([env['FSQ_SPOOL'], env['FSQ_BROKER']], ['/x', undefined]);
  assert.ok('path' in options.broker);
});

const ENV = {
  PATH: '/bin',
  LC_ALL: 'C',
  FSQ_SPOOL: '/s',
  NODE_ENV: 'test',
  NODE_AUTH_TOKEN: 't',
  AWS_SECRET: 's',
  DATABASE_URL: 'd',
  path: 'p',
};

test('what a worker or a drain starts cannot speak for it to systemd, whatever list is given', () => {
  const ofSystemd = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '1', WATCHDOG_PID: '2' };

  assert.deepEqual(childEnvironment({ ...ENV, ...ofSystemd }, null, false), ENV);
  assert.deepEqual(childEnvironment({ PATH: '/bin', ...ofSystemd }, Object.keys(ofSystemd), false), { PATH: '/bin' });
});

test('without a list a child gets everything', () => {
  assert.deepEqual(childEnvironment(ENV, null, false), ENV);
});

test('with one it gets what is named and what fsq and Node need, and no token that only looks like it', () => {
  assert.deepEqual(childEnvironment(ENV, ['DATABASE_URL', 'NOT_SET'], false), {
    PATH: '/bin',
    LC_ALL: 'C',
    FSQ_SPOOL: '/s',
    NODE_ENV: 'test',
    DATABASE_URL: 'd',
  });
});

test('an empty list allows only what is needed', () => {
  assert.deepEqual(Object.keys(childEnvironment(ENV, [], false)), ['PATH', 'LC_ALL', 'FSQ_SPOOL', 'NODE_ENV']);
});

test('where case does not matter, it does not', () => {
  const env = { Path: 'p', SystemRoot: 'r', Database_Url: 'd', Secret: 's' };

  assert.deepEqual(Object.keys(childEnvironment(env, ['DATABASE_URL'], true)), ['Path', 'SystemRoot', 'Database_Url']);
});
