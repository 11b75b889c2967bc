/** `fsq doctor` of a Redis: what it prints, and how it exits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fsq, tempProject } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';

describe('fsq doctor, where a server keeps the jobs', { skip: lacksRedis }, () => {
  test('tells what the server is, and what is wrong with it', async (t) => {
    const server = await redisServer();
    const project = tempProject(t, {});
    const env = { FSQ_BROKER: server.url('doctor') };

    const text = await fsq(project, ['doctor'], { env });
    const json = await fsq(project, ['doctor', '--json'], { env });

    assert.equal(text.code, 0, text.stdout + text.stderr);
    assert.match(text.stdout, /^broker +bullmq\+redis:\/\/127\.0\.0\.1:\d+\/0\?prefix=doctor\nserver +Redis \d+\.\d+/);
    assert.match(text.stdout, /Warnings:\n {2}! appendonly is off: .* \(no-aof\)\n {4}CONFIG SET appendonly yes/);
    const { findings } = JSON.parse(json.stdout) as { readonly findings: readonly { readonly code: string }[] };
    assert.ok(findings.some(({ code }) => code === 'no-aof'));
  });

  test('exits with 75 where nobody answers, says what to do, and shows no password', async (t) => {
    const project = tempProject(t, {});
    const env = { FSQ_BROKER: 'bullmq+redis://me:s3cret@127.0.0.1:9/0' };

    const { code, stdout, stderr } = await fsq(project, ['doctor'], { env });

    assert.equal(code, 75, stderr);
    assert.match(stdout, /The server cannot be used: .*\(unreachable\)\n {4}Look whether it runs/);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
  });

  test('repairs no server', async (t) => {
    const project = tempProject(t, {});
    const env = { FSQ_BROKER: 'bullmq+redis://127.0.0.1:9/0' };

    const { code, stderr } = await fsq(project, ['doctor', '--repair'], { env });

    assert.equal(code, 2);
    assert.match(stderr, /--repair.*a spool.*repaired by whoever runs it/s);
  });
});
