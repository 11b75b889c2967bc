/** Reading an outcome while its file expires and is written again (the rule comes from test/model/reuse.ts). */
import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { job, returned, RUN } from '../../support/factory.ts';
import { tempSpool } from '../../support/temp.ts';

test('what is read of a file that expires meanwhile is told to nobody, however whole it looks', async (t) => {
  let afterRead = (bytes: Buffer): Buffer => bytes;
  const files = { ...nodeFiles, read: (fd: number, size: number) => afterRead(nodeFiles.read(fd, size)) };
  const { path, broker } = tempSpool(t, { files });
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  await (await consumer.next(new AbortController().signal))?.settle(returned('its own value'), RUN);
  const result = join(path, 'results', `${sent.job.id}.json`);
  assert.deepEqual((await broker.outcome(sent.job.id))?.outcome, { state: 'succeeded', value: 'its own value' });

  afterRead = () => {
    // The first half was read; then the file expired, and another job was written into it and has ended.
    const mixed = readFileSync(result, 'utf8').replace('its own value', 'another value');
    writeFileSync(result, mixed);
    renameSync(result, join(path, 'spare', 'old'));
    return Buffer.from(mixed);
  };
  const record = await broker.outcome(sent.job.id);

  assert.equal(record, null);
});
