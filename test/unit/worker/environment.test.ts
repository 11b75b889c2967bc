import assert from 'node:assert/strict';
import test from 'node:test';
import { childEnvironment } from '../../../src/worker/environment.ts';

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
