/** Traps in every directory of the spool: whoever works there survives, finishes every job, and touches nothing outside. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { fsq, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { lacks } from '../support/needs.ts';
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
    const first = await send('add', [1, 2]);
    const value = await within(first.get('10s'), 'the first job');
    // What expired is spare now, traps among it; a producer of many jobs writes into spare files.
    await until(() => !existsSync(join(at.spool, 'results', `${first.id}.json`)), 'outcomes expire');
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

test('a socket squatted under the name of a dead owner is told nothing, and delays only what was planted with it', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send, app } = sender(t, at);
  await app.broker();
  const owner = someOwner(6_000_000);
  const { id } = job().job;
  plantDeadOwner(at.spool, owner, { [`5.${id}.default.1.0.json`]: '{"task":"add","args":[1,2]}' });
  let bytes = 0;
  let connections = 0;
  const squatter = createServer((socket) => {
    connections++;
    socket.on('data', (chunk) => (bytes += chunk.length)).on('error', () => undefined);
  });
  t.after(() => squatter.close());
  await new Promise<void>((resolve) => squatter.listen(join(at.spool, 'workers', `${owner}.sock`), resolve));

  const worker = await startWorker(t, at, ['-c', '1']);
  const value = await (await send('add', [1, 2])).get('10s');
  await until(() => connections >= 3, 'the squatter is asked');
  const { code } = await worker.stop();

  assert.equal(value, 3);
  assert.equal(code, 0);
  assert.equal(bytes, 0);
  assert.equal(await app.result(id).state(), 'running');
});

test('names of owners cannot be guessed, and nobody else may enter workers/', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app } = sender(t, at);
  const broker = await app.broker();

  const consumers = await Promise.all([1, 2, 3].map(() => broker.consumer({ queues: null, tasks: [] })));
  const mode = lstatSync(join(at.spool, 'workers')).mode & 0o777;
  const secrets = consumers.map(({ owner }) => owner.split('-')[1] ?? '');
  for (const consumer of consumers) await consumer.close();

  assert.equal(mode, 0o700);
  assert.equal(new Set(secrets).size, 3);
  for (const secret of secrets) assert.match(secret, /^[0-9a-f]{16}$/);
});
