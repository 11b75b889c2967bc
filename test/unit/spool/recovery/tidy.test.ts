/** A round of housekeeping without a worker: what it removes, what it counts, and that a dry run removes nothing. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { bootId, writerName } from '../../../../src/spool/disk/identity.ts';
import { tidy } from '../../../../src/spool/recovery/tidy.ts';
import { contextOf } from '../../../support/context.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { nextId, returned } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

const NOTHING = { outcomes: 0, drafts: 0, owners: 0, keys: 0, beside: 0, segments: 0, left: { owners: 0, jobs: 0 } };

/** A name in tmp/ whose writer is proved dead. */
function deadWriter(): string {
  const [, start, boot, namespace] = writerName(nodeFiles, process.pid).split('-');
  return `4194304-${start}-${boot}-${namespace}.00000000.0`;
}

/** Everything in the spool, without the journal's folders. */
function everything(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted();
}

test('each kind of what stands for nothing is removed and counted; a dry run counts the same and removes nothing', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const ended = await settledJob(path, {}, returned(1));
  const lost = nextId();
  const hash = 'ab'.repeat(32);
  writeFileSync(join(path, 'tmp', deadWriter()), 'a draft');
  writeFileSync(
    join(path, 'workers', '4194304-0123456789abcdef.json'),
    JSON.stringify({
      v: 1,
      owner: '4194304-0123456789abcdef',
      pid: 4_194_304,
      startedAtMs: 1,
      bootId: 'another',
      role: 'supervisor',
      queues: null,
      tasks: [],
    }),
  );
  mkdirSync(join(path, 'keys', hash));
  writeFileSync(join(path, 'keys', hash, ended), '');
  mkdirSync(join(path, 'progress'), { recursive: true });
  writeFileSync(join(path, 'progress', `${lost}.json`), '{}');
  mkdirSync(join(path, 'journal', bootId(nodeFiles) ?? ''), { recursive: true });
  writeFileSync(join(path, 'journal', bootId(nodeFiles) ?? '', deadWriter()), '');
  const before = everything(path);
  const expected = { outcomes: 1, drafts: 1, owners: 1, keys: 1, beside: 1, segments: 1, left: NOTHING.left };

  const dry = await tidy(contextOf(path), 0, true);
  const afterDry = everything(path);
  const done = await tidy(contextOf(path), 0, false);
  const again = await tidy(contextOf(path), 0, false);

  assert.deepEqual(dry, expected);
  assert.deepEqual(afterDry, before);
  assert.deepEqual(done, expected);
  assert.deepEqual(again, NOTHING);
  for (const folder of ['results', 'tmp', 'workers', 'keys', 'progress']) assert.deepEqual(namesIn(path, folder), []);
});

test('what still stands for something stays', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const id = await settledJob(path, {}, returned(1));
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  writeFileSync(join(path, 'tmp', `${writerName(nodeFiles, process.pid)}.00000000.0`), 'a draft of ours');
  const before = everything(path);

  assert.deepEqual(await broker.tidy(), NOTHING);
  assert.deepEqual(everything(path), before);
  assert.notEqual(await broker.outcome(id), null);
});
