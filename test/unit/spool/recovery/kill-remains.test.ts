import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { CHILD_MARK } from '../../../../src/broker/worker-side.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { killRemains } from '../../../../src/spool/recovery/kill-remains.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { isProcessAlive } from '../../../support/processes.ts';

const MARK = '0123456789abcdef';
const skip = process.platform !== 'linux' && 'needs /proc';

/** Two processes of one group, which the first leads; both have this environment. */
async function group(
  t: TestContext,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly pid: number; readonly member: number }> {
  const leader = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], {
    detached: true,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => end(leader));
  const [line] = (await once(leader.stdout, 'data')) as [Buffer];
  const member = Number(String(line));
  // Until it is another program than its parent, it may have no environment that one could read.
  await until(() => readFileSync(`/proc/${member}/comm`, 'utf8') === 'sleep\n', 'the member has begun');
  return { pid: leader.pid ?? 0, member };
}

function end(leader: ChildProcess): void {
  try {
    process.kill(-(leader.pid ?? 0), 'SIGKILL');
  } catch {
    // The test has ended it.
  }
}

/** An owner of which a record with these fields is left. Its name. */
function ownerWith(context: SpoolContext, pid: number, record: object): string {
  const owner = `${pid}-00000000000000ff`;
  writeFileSync(join(context.layout.workers, `${owner}.json`), JSON.stringify({ v: 1, owner, pid, ...record }));
  return owner;
}

test('what a dead owner started is killed: its group, with its mark', { skip }, async (t) => {
  const context = tempContext(t);
  const { pid, member } = await group(t, { [CHILD_MARK]: MARK });

  assert.equal(killRemains(context, ownerWith(context, pid, { mark: MARK })), 2);

  await until(() => !isProcessAlive(member), 'the member has ended');
});

describe('without both proofs nobody is killed:', { skip }, () => {
  const cases: readonly [string, NodeJS.ProcessEnv, object][] = [
    ['a group without a mark', {}, { mark: MARK }],
    ['a group with the mark of another', { [CHILD_MARK]: 'fedcba9876543210' }, { mark: MARK }],
    ['a mark that only begins alike', { [CHILD_MARK]: `${MARK}0` }, { mark: MARK }],
    ['a mark in another variable', { [`X${CHILD_MARK}`]: MARK, Y: `\n${CHILD_MARK}=${MARK}` }, { mark: MARK }],
    ['a record without a mark', { [CHILD_MARK]: MARK }, {}],
  ];
  for (const [what, env, record] of cases) {
    test(what, async (t) => {
      const context = tempContext(t);
      const { pid, member } = await group(t, env);

      assert.equal(killRemains(context, ownerWith(context, pid, record)), 0);

      assert.ok(isProcessAlive(pid) && isProcessAlive(member));
    });
  }

  test('the mark in a group of another number', async (t) => {
    const context = tempContext(t);
    const { pid, member } = await group(t, { [CHILD_MARK]: MARK });
    const { pid: other } = await group(t, {});

    assert.equal(killRemains(context, ownerWith(context, other, { mark: MARK })), 0);

    assert.ok(isProcessAlive(pid) && isProcessAlive(member) && isProcessAlive(other));
  });

  test('a record of another process id than its name', async (t) => {
    const context = tempContext(t);
    const { pid, member } = await group(t, { [CHILD_MARK]: MARK });

    assert.equal(killRemains(context, ownerWith(context, 77, { mark: MARK, pid })), 0);

    assert.ok(isProcessAlive(pid) && isProcessAlive(member));
  });

  test('an owner whose record cannot be read, and that is no error', async (t) => {
    const context = tempContext(t);
    const { pid, member } = await group(t, { [CHILD_MARK]: MARK });
    const owner = ownerWith(context, pid, { mark: MARK });
    const open = (): number => {
      throw Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO' });
    };

    assert.equal(killRemains({ ...context, files: { ...context.files, open } }, owner), 0);

    assert.ok(isProcessAlive(member));
  });

  test('an owner without a record, or of process 1, 0 or none', (t) => {
    const context = tempContext(t);

    assert.equal(killRemains(context, '77-00000000000000ff'), 0);
    for (const pid of [0, 1]) assert.equal(killRemains(context, ownerWith(context, pid, { mark: MARK })), 0);
    assert.equal(killRemains(context, ownerWith(context, 77, { mark: MARK, pid: 'many' })), 0);
  });
});
