/** Traps in every directory of the spool: whoever works there survives, finishes every job, and touches nothing outside. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { lacks } from '../support/owner-process.ts';
import { readNames, setTrap, target, TRAPS } from '../support/traps.ts';

const TASKS = `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);`;
/** Enough for a producer to look for spare files. */
const JOBS = 80;

test(
  'links, FIFOs, folders, sockets and huge files under every name that fsq reads: the worker survives, nothing outside is touched',
  { skip: lacks('python3', 'mkfifo') },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send, app } = sender(t, at);
    await app.broker();
    const outside = target(join(at.path, 'outside'));
    for (const trap of TRAPS) for (const name of readNames(at.spool)) setTrap(trap, join(at.spool, name), outside);
    const before = outside.describe();

    const worker = await startWorker(t, at, ['-c', '2'], { env: { FSQ_RESULT_TTL: '1ms' } });
    const value = await within((await send('add', [1, 2])).get('10s'), 'the first job');
    // What expired is spare now, traps among it; a producer of many jobs writes into spare files.
    await until(() => namesIn(at.spool, 'spare').length > 0, 'outcomes expire');
    for (let i = 0; i < JOBS; i++) await send('add', [i, 1]);
    await until(async () => {
      const { pending, running } = await (await app.broker()).counts();
      return pending === 0 && running === 0;
    }, 'all jobs ran');
    const looks = await Promise.all([fsq(at, ['status']), fsq(at, ['ls', '--limit', '0'])]);
    const ended = await worker.stop();

    assert.equal(value, 3);
    assert.equal(ended.code, 0, ended.stderr);
    assert.doesNotMatch(ended.stderr, /cannot be used|exited with/);
    for (const look of looks) assert.equal(look.code, 0, look.stderr);
    assert.equal(outside.describe(), before);
    assert(!existsSync(join(outside.path, 'created')), 'a dangling link was followed');
  },
);
