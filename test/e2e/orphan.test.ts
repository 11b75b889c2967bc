/** A child without a supervisor: one that has gone before it listens, and one that answers nothing. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createApp } from 'fsq';
import type { Member } from '../../src/broker/worker-side.ts';
import { openSpool } from '../../src/spool/spool.ts';
import type { ChildOptions } from '../../src/worker/child.ts';
import { parseFromChild } from '../../src/worker/messages.ts';
import type { OwnDescriptors } from '../../src/worker/relay.ts';
import { until } from '../support/conditions.ts';
import { TASKS } from '../support/drained.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { namesIn } from '../support/invariants.ts';
import { someOwner } from '../support/owners.ts';
import { type Project, REPOSITORY, tempProject } from '../support/project.ts';

test('a child whose supervisor died while it started ends by itself', { timeout: 20_000 }, async (t) => {
  const at = tempProject(t, { 'tasks.js': `import { task } from 'fsq'; task('add', (a, b) => a + b);` });
  const app = createApp({ spool: at.spool, fsync: false });
  await app.broker();
  t.after(() => app.close());
  const child = start(t, at);

  child.disconnect();
  const [code] = (await once(child, 'exit')) as [number | null];

  assert.equal(code, 0);
});

test(
  'a child that is to stop at a failure takes no further job, though nobody tells it',
  { timeout: 20_000 },
  async (t) => {
    const at = tempProject(t, TASKS);
    const broker = openSpool({ path: at.spool, fsync: false });
    await pendingJobs(at.spool, { task: 'bad' }, ...Array.from({ length: 5 }, () => ({ task: 'ok', priority: 9 })));
    const keeper = await broker.keeper({ queues: null });
    t.after(async () => {
      await keeper.close();
      await broker.close();
    });
    const child = start(t, at, { modules: [join(at.path, 'tasks.mjs')], stopsAtFailure: true });
    let member: Member | null = null;
    child.on('message', (raw) => {
      const message = parseFromChild(raw);
      const say = (word: unknown): void => void child.send({ type: 'hint', word }, () => undefined);
      if (message?.type === 'ready')
        member = keeper.join(message.owner, { say, terminate: () => undefined, fence: () => undefined });
      if (message?.type === 'hint') member?.hear(message.word);
    });

    await until(
      () => child.exitCode !== null || namesIn(at.spool, 'pending').length === 0,
      'the child ends, or runs all',
    );

    assert.equal(child.exitCode, 0);
    assert.equal(namesIn(at.spool, 'pending').length, 5);
  },
);

function start(t: TestContext, at: Project, parts: Partial<ChildOptions> = {}): ChildProcess {
  const options: ChildOptions & { readonly own: OwnDescriptors } = {
    broker: { path: at.spool, fsync: false },
    parent: someOwner(),
    queues: null,
    order: { kind: 'age', weights: [] },
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
    ...parts,
  };
  const child = fork(join(REPOSITORY, 'dist/worker/child.js'), [JSON.stringify(options)], {
    cwd: at.path,
    execArgv: [],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}
