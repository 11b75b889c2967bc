import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { PostgresFacts, RedisFacts, ServerFacts } from '../../../../src/bullmq/doctor/server-facts.ts';
import { factRows, findingsOf } from '../../../../src/bullmq/doctor/server-findings.ts';

const REDIS: RedisFacts = {
  kind: 'redis',
  version: '7.0.15',
  skewMs: 3,
  isReadOnly: false,
  hidden: [],
  isCluster: false,
  usedBytes: 1_000_000,
  maxBytes: 0,
  evictionPolicy: 'noeviction',
  isAppending: true,
  appendFsync: 'always',
  hasFailedToSave: false,
  foreignQueues: [],
};

const POSTGRES: PostgresFacts = {
  kind: 'postgres',
  version: '15.4',
  skewMs: 0,
  isReadOnly: false,
  hidden: [],
  fsync: true,
  synchronousCommit: 'on',
  connections: 5,
  maxConnections: 100,
};

function found(facts: ServerFacts): readonly string[] {
  return findingsOf(facts, 10_000).map(
    ({ severity, code, isUnusable }) => `${severity} ${code}${isUnusable ? '!' : ''}`,
  );
}

describe('a server', () => {
  test('that is as it should be has no finding', () => {
    assert.deepEqual(found(REDIS), []);
    assert.deepEqual(found(POSTGRES), []);
  });

  test('from which a move has stopped half way is told with the command that goes on', () => {
    const move = { from: 'bullmq+redis://a:1/0', to: '/srv/spool', isGoing: false, ids: ['x', 'y'] };

    const [finding, ...others] = findingsOf(REDIS, 10_000, move);

    assert.deepEqual([finding?.code, finding?.severity, others], ['unfinished-move', 'warning', []]);
    assert.match(finding?.message ?? '', /from bullmq\+redis:\/\/a:1\/0 to \/srv\/spool: 2 jobs are on the way/);
    assert.match(finding?.advice ?? '', /`fsq migrate --from bullmq\+redis:\/\/a:1\/0 --to \/srv\/spool` goes on/);
    assert.deepEqual(findingsOf(REDIS, 10_000, { ...move, isGoing: true }), []);
  });

  for (const [change, finding] of [
    [{ version: '6.0.20' }, 'error old-server!'],
    [{ version: '5.0.7' }, 'error old-server!'],
    [{ isReadOnly: true }, 'error read-only!'],
    [{ isCluster: true }, 'error cluster!'],
    [{ evictionPolicy: 'allkeys-lru' }, 'error eviction'],
    [{ hasFailedToSave: true }, 'error not-saved'],
    [{ skewMs: -2_501 }, 'error clocks-apart'],
    [{ skewMs: 1_200 }, 'warning clock-skew'],
    [{ isAppending: false, appendFsync: 'everysec' }, 'warning no-aof'],
    [{ usedBytes: 95, maxBytes: 100 }, 'warning memory'],
    [{ appendFsync: 'everysec' }, 'info aof-everysec'],
    [{ appendFsync: null, hidden: ['appendfsync'] }, 'info hidden'],
    [{ foreignQueues: ['theirs'] }, 'info foreign-queues'],
  ] as const)
    test(`a Redis with ${JSON.stringify(change)}: ${finding}`, () =>
      assert.deepEqual(found({ ...REDIS, ...change }), [finding]));

  for (const [change, finding] of [
    [{ fsync: false }, 'error no-fsync'],
    [{ synchronousCommit: 'off' }, 'warning asynchronous-commit'],
    [{ connections: 95 }, 'warning connections'],
    [{ isReadOnly: true }, 'error read-only!'],
  ] as const)
    test(`a PostgreSQL with ${JSON.stringify(change)}: ${finding}`, () =>
      assert.deepEqual(found({ ...POSTGRES, ...change }), [finding]));

  test('the newest version of all is not older than the oldest that works', () => {
    assert.deepEqual(found({ ...REDIS, version: '10.0.0' }), []);
    assert.deepEqual(found({ ...REDIS, version: '6.2.0' }), []);
  });

  test('the worst comes first, and each says what it is in a sentence', () => {
    const findings = findingsOf({ ...REDIS, appendFsync: 'no', evictionPolicy: 'volatile-ttl', skewMs: 1_500 }, 10_000);

    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['error', 'warning', 'info'],
    );
    assert.match(findings[1]?.message ?? '', /1\.5 s ahead of this machine/);
  });

  test('its facts are rows for people', () => {
    assert.deepEqual(factRows(REDIS), [
      ['server', 'Redis 7.0.15'],
      ['memory', '1 MB, no limit, noeviction'],
      ['durability', 'AOF, fsync always'],
      ['clock', 'as here'],
    ]);
  });
});
