/** What a task does to its own process is that process's trouble: it ends and is replaced, a crash is counted, others run. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { WorkerLostError } from 'fsq';
import { lacks } from '../support/needs.ts';
import { startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { closeSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'fsq';
const fs = createRequire(import.meta.url)('node:fs');
export const add = task('add', (a, b) => a + b);
export const dropsUser = task('dropsUser', () => process.setuid(65534));
export const dropsUserForAWhile = task('dropsUserForAWhile', () => {
  process.seteuid(65534);
  setTimeout(() => process.seteuid(0), 500);
});
export const dropsGroups = task('dropsGroups', () => { process.setgroups([]); process.setgid(65534); process.setuid(65534); });
export const closesDescriptors = task('closesDescriptors', () => {
  for (let fd = 3; fd < 64; fd++) try { closeSync(fd); } catch {}
});
export const refusesToOpen = task('refusesToOpen', () => {
  fs.openSync = () => { throw Object.assign(new Error('EPERM: operation not permitted, open'), { code: 'EPERM', syscall: 'open' }); };
  syncBuiltinESMExports();
});
`;

for (const name of ['dropsUser', 'dropsUserForAWhile', 'dropsGroups', 'refusesToOpen']) {
  test(`${name}: the job fails for its crashes, the worker and the other jobs do not`, { skip: lacks() }, async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const worker = await startWorker(t, at, ['-c', '1']);
    const { send } = sender(t, at);

    const bad = await send(name, []);
    const good = await send('add', [1, 2]);

    await assert.rejects(bad.get('30s'), WorkerLostError);
    assert.equal(await good.get('20s'), 3);
    assert.equal((await bad.info())?.record?.attempts.length, 4);
    const { code, stderr } = await worker.stop();
    assert.equal(code, 0, stderr);
  });
}

test(
  'a task that closes every descriptor: it ends somehow, the worker and the other jobs go on',
  { skip: lacks() },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const worker = await startWorker(t, at, ['-c', '1']);
    const { send } = sender(t, at);

    const bad = await send('closesDescriptors', []);
    const good = await send('add', [1, 2]);

    await bad.get('30s').catch((error: unknown) => assert(error instanceof WorkerLostError));
    assert.equal(await good.get('20s'), 3);
    const { code, stderr } = await worker.stop();
    assert.equal(code, 0, stderr);
  },
);
