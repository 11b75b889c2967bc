/** The end of a child, as its supervisor hears of it: in whatever order the exit and the last messages come. */
import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../support/conditions.ts';
import { type ChildEvents, WorkerChild } from '../../../src/worker/child-process.ts';
import { Relay } from '../../../src/worker/relay.ts';
import { launch } from './fixtures/launch.ts';

/** A process that says and does what a test makes it; `fork` gives it, or throws. */
function forking(t: TestContext, fork: () => EventEmitter): { child: WorkerChild; heard: string[] } {
  t.mock.method(childProcess, 'fork', fork);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const heard: string[] = [];
  const events: ChildEvents = {
    onOverdue: () => heard.push('overdue'),
    onPrinted: () => undefined,
    onOverLimit: () => heard.push('over limit'),
    onMessage: (_, { type }) => heard.push(type),
    onExit: (_, code, signal) => heard.push(`exit ${code} ${signal}`),
  };
  return { child: new WorkerChild(launch(), new Relay({ stdout: null, stderr: null }), events), heard };
}

function processOf(): EventEmitter {
  return Object.assign(new EventEmitter(), { pid: 2 ** 30, connected: true, stdio: [] });
}

test('what a child said before it died is heard before its end, and nothing after', (t) => {
  const made = processOf();
  const { heard } = forking(t, () => made);

  made.emit('exit', null, 'SIGKILL');
  assert.deepEqual(heard, []);
  made.emit('message', { type: 'ready', owner: '5-0123456789abcdef', tasks: [] });
  made.emit('disconnect');
  made.emit('message', { type: 'ready', owner: '5-0123456789abcdef', tasks: [] });

  assert.deepEqual(heard, ['ready', 'exit null SIGKILL']);
});

test('a channel that closes first does not end a child that lives', (t) => {
  const made = processOf();
  const { heard } = forking(t, () => made);

  made.emit('disconnect');
  assert.deepEqual(heard, []);
  made.emit('exit', 0, null);

  assert.deepEqual(heard, ['exit 0 null']);
});

test('a channel that a copy of the child holds open does not hold up its end', async (t) => {
  const made = processOf();
  const { heard } = forking(t, () => made);

  made.emit('exit', 1, null);

  await until(() => heard.length === 1, 'its end counts');
});

describe('no process can be had:', () => {
  for (const code of ['ENOMEM', 'E2BIG', 'EPERM']) {
    test(`fork() throws ${code}`, async (t) => {
      const { child, heard } = forking(t, () => {
        throw Object.assign(new Error(`spawn ${code}`), { code });
      });

      await until(() => heard.length > 0, 'the end is told');

      assert.deepEqual(heard, ['exit null null']);
      assert.equal(child.pid, null);
      assert.equal(child.endText(null, null), `no child can be started (spawn ${code})`);
      child.drain();
      child.stop();
      child.killGroup();
    });
  }
});
