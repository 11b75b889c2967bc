/** Processes that are owners and no workers: nobody is told that they run jobs, or hold some. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { openSpool } from '../../../../src/spool/spool.ts';
import { newJob } from '../../../conformance/parts.ts';
import { REPOSITORY } from '../../../support/project.ts';
import { tempDir } from '../../../support/temp.ts';

test('a process that moves jobs from or to a spool is none of its workers', async (t) => {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ path });
  t.after(() => broker.close());
  const departure = await broker.departure('another place');
  t.after(() => departure.close());

  assert.deepEqual(await broker.owners(), []);
});

test('nor is one that was killed while jobs were on their way: no worker goes on with them', async (t) => {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ path });
  t.after(() => broker.close());
  const sent = newJob(broker);
  await broker.enqueue([sent]);
  const program = `
    import { openSpool } from ${JSON.stringify(join(REPOSITORY, 'src/spool/spool.ts'))};
    const departure = await openSpool({ path: ${JSON.stringify(path)} }).departure('another place');
    await departure.take([${JSON.stringify(sent.job.id)}]);
    process.kill(process.pid, 'SIGKILL');`;

  const { signal } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: REPOSITORY,
  });

  assert.equal(signal, 'SIGKILL');
  assert.equal((await broker.find(sent.job.id))?.state, 'delayed');
  assert.deepEqual(await broker.owners(), []);
});
