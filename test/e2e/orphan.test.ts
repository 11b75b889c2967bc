/** A child whose supervisor has gone before it listens. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApp } from 'fsq';
import type { ChildOptions } from '../../src/worker/child.ts';
import type { OwnDescriptors } from '../../src/worker/relay.ts';
import { someOwner } from '../support/owners.ts';
import { REPOSITORY, tempProject } from '../support/project.ts';

test('a child whose supervisor died while it started ends by itself', { timeout: 20_000 }, async (t) => {
  const at = tempProject(t, { 'tasks.js': `import { task } from 'fsq'; task('add', (a, b) => a + b);` });
  const app = createApp({ spool: at.spool, fsync: false });
  await app.broker();
  t.after(() => app.close());
  const options: ChildOptions & { readonly own: OwnDescriptors } = {
    broker: { path: at.spool, fsync: false },
    parent: someOwner(),
    queues: null,
    queueLimits: [],
    modules: [join(at.path, 'tasks.js')],
    logBytes: 0,
    logLevel: 'silent',
    logFormat: 'json',
    stacks: true,
    redactFrom: null,
    timeLimits: { timeLimitMs: null, softTimeLimitMs: null },
    slots: 1,
    retirement: null,
    allowsExec: false,
    tellsRuns: false,
    stopsAtFailure: false,
    own: { stdout: null, stderr: null },
  };
  const child = fork(join(REPOSITORY, 'dist/worker/child.js'), [JSON.stringify(options)], {
    cwd: at.path,
    execArgv: [],
  });
  t.after(() => child.kill('SIGKILL'));

  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number | null];

  assert.equal(code, 0);
});
