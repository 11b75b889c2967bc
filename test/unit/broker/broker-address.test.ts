/** Addresses of brokers come back as they were meant, wrong ones say why, and no password is ever told. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { addressText, parseBrokerAddress, shownAddress } from '../../../src/broker/broker-address.ts';

const REDIS = {
  kind: 'redis',
  tls: false,
  host: 'localhost',
  port: 6379,
  user: null,
  password: null,
  db: 0,
  prefix: 'bull',
};
const POSTGRES = {
  kind: 'postgres',
  host: 'localhost',
  port: 5432,
  user: null,
  password: null,
  sslmode: 'disable',
  database: 'app',
  schema: 'bullmq',
};

for (const [text, meant] of [
  ['bullmq+redis://localhost', REDIS],
  ['bullmq+redis://localhost/', REDIS],
  ['BullMQ+Redis://LOCALHOST:6379/0?prefix=bull', REDIS],
  ['bullmq+redis://localhost:7000/3?prefix=jobs', { ...REDIS, port: 7000, db: 3, prefix: 'jobs' }],
  ['bullmq+rediss://:pw@cache.example.org', { ...REDIS, tls: true, host: 'cache.example.org', password: 'pw' }],
  ['bullmq+redis://me@[::1]:7000', { ...REDIS, host: '::1', port: 7000, user: 'me' }],
  ['bullmq+redis://a%40b:p%2F%3F%23%40%3A%25@localhost', { ...REDIS, user: 'a@b', password: 'p/?#@:%' }],
  ['bullmq+redis://localhost?lock=3s', { ...REDIS, lockMs: 3_000 }],
  ['bullmq+postgres://localhost/app?lock=1500ms', { ...POSTGRES, lockMs: 1_500 }],
  ['bullmq+postgres://localhost/app', POSTGRES],
  ['bullmq+postgresql://me:pw@db:6000/app', { ...POSTGRES, host: 'db', port: 6000, user: 'me', password: 'pw' }],
  [
    'bullmq+postgres://localhost/my%20app?schema=Jobs&sslmode=verify-full',
    { ...POSTGRES, database: 'my app', schema: 'Jobs', sslmode: 'verify-full' },
  ],
] as const) {
  test(`${text} is read, and written again`, () => {
    const address = parseBrokerAddress(text);

    assert.deepEqual(address, meant);
    assert.deepEqual(parseBrokerAddress(addressText(address)), meant);
    assert.deepEqual(parseBrokerAddress(shownAddress(address)), { ...meant, user: null, password: null });
  });
}

test('an address is shown without user and password, and the same for every way to write it', () => {
  const shown = ['bullmq+redis://u:secret@h', 'bullmq+redis://secret@H:6379/0?prefix=bull', 'bullmq+redis://h/'].map(
    (text) => shownAddress(parseBrokerAddress(text)),
  );

  assert.deepEqual([...new Set(shown)], ['bullmq+redis://h:6379/0']);
});

for (const [text, says] of [
  ['redis://:secret@localhost', /scheme "redis"; did you mean bullmq\+redis\?/],
  ['postgresql://u:secret@localhost/app', /scheme "postgresql"; did you mean bullmq\+postgresql\?/],
  ['bullmq+rediz://:secret@localhost', /scheme "bullmq\+rediz"; did you mean bullmq\+redis\?/],
  ['amqp://u:secret@localhost', /scheme "amqp"$/],
  ['bullmq+://:secret@localhost', /scheme "bullmq\+"/],
  ['constructor://:secret@localhost', /scheme "constructor"/],
  ['bullmq+toString://:secret@localhost', /scheme "bullmq\+tostring"/],
  ['localhost:6379', /no scheme/],
  ['bullmq+redis:localhost', /no scheme/],
  ['', /no scheme/],
  ['bullmq+redis://', /no host/],
  ['bullmq+redis:///0', /no host/],
  ['bullmq+redis://:secret@', /no host/],
  ['bullmq+redis://:secret@:6379', /no host/],
  ['bullmq+redis://:secret@/0', /no host/],
  ['bullmq+redis://:secret', /no host/],
  ['bullmq+redis://user:secret', /host or port cannot be read.*1 to 65535/],
  ['bullmq+redis://:secret@localhost:0', /port is a number from 1 to 65535/],
  ['bullmq+redis://:secret@localhost:65536', /port is a number from 1 to 65535/],
  ['bullmq+redis://:secret@localhost:63x', /port is a number from 1 to 65535/],
  ['bullmq+redis://:secret@lo cal', /a space/],
  ['bullmq+redis://:sec\nret@localhost', /a control character/],
  ['bullmq+redis://:secret@lo,cal', /characters that no name of a host has/],
  ['bullmq+redis://:sec/ret@localhost', /an @ stands behind.*%2F/],
  ['bullmq+redis://user:1?secret@localhost', /an @ stands behind.*%3F/],
  ['bullmq+postgres://user:1/secret@localhost', /an @ stands behind/],
  ['bullmq+redis://user:1#secret@localhost', /an @ stands behind.*%23/],
  ['bullmq+redis://localhost#secret', /a # in a password is written %23/],
  ['bullmq+redis://:secret%@localhost', /its password has a %/],
  ['bullmq+redis://localhost/secret', /number of a database/],
  ['bullmq+redis://localhost/-1', /number of a database/],
  ['bullmq+redis://localhost?prefix={a}', /its prefix is "\{a\}"/],
  ['bullmq+redis://localhost?prefix=a:b', /its prefix is "a:b"/],
  ['bullmq+redis://localhost?prefix=', /its prefix is ""/],
  ['bullmq+redis://localhost?lock=0.5s', /its lock is "0.5s"/],
  ['bullmq+redis://localhost?lock=999ms', /a time from 1s to 10m/],
  ['bullmq+redis://localhost?lock=11m', /its lock is "11m"/],
  ['bullmq+redis://localhost?prefix=a&prefix=b', /prefix more than once/],
  ['bullmq+redis://localhost?prefx=a', /unknown parameter "prefx"; did you mean prefix\?/],
  ['bullmq+redis://localhost?schema=a', /unknown parameter "schema"; known are prefix, lock/],
  ['bullmq+redis://localhost?password=secret', /unknown parameter "password"/],
  ['bullmq+redis://localhost?7secret', /unknown parameter; known are prefix, lock/],
  ['bullmq+postgres://localhost', /name of a database/],
  ['bullmq+postgres://localhost/a/b', /name of a database/],
  ['bullmq+postgres://localhost/app?schema=1a', /its schema is "1a"/],
  ['bullmq+postgres://localhost/app?sslmode=prefer', /its sslmode is "prefer".*disable, require, verify-full/],
  ['bullmq+postgres://localhost/app?prefix=a', /unknown parameter "prefix"; known are schema, sslmode, lock/],
] as const) {
  test(`${JSON.stringify(text)} is refused, and its password is not told`, () => {
    assert.throws(
      () => parseBrokerAddress(text, 'FSQ_BROKER'),
      ({ name, code, message }: Error & { code: string }) => {
        assert.deepEqual([name, code], ['UsageError', 'FSQ_CONFIG']);
        assert.match(message, /^Expected FSQ_BROKER to be an address such as 'bullmq\+redis:/);
        assert.match(message, says);
        assert.doesNotMatch(message, /secret/);
        return true;
      },
    );
  });
}
