/** Drafts in tmp/: those of the dead go, those of the living stay, and what may be of a living writer waits. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { sweepDrafts } from '../../../../src/spool/recovery/sweep.ts';
import { contextOf } from '../../../support/context.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

const HOUR_MS = 3_600_000;

test('drafts of the dead are swept, those of the living and of strangers are not', async (t) => {
  const { path } = tempSpool(t);
  const mine = `${writerName(nodeFiles, process.pid)}.00000000.0`;
  const [pid, start, boot, namespace] = mine.split('.')[0]?.split('-') ?? [];
  const dead = [
    `${pid}-${Number(start) + 1}-${boot}-${namespace}.00000000.0`,
    `4194304-1-${boot}-${namespace}.00000000.0`,
  ];
  const unproved = [
    `4194304-1-${boot}-0badf00d.00000000.0`,
    `4194304-1-0badf00d-${namespace}.00000000.0`,
    `${pid}-${start}-0badf00d-${namespace}.00000000.0`,
  ];
  const kept = [mine, ...unproved, 'by-hand', '..x'];
  for (const name of [...dead, ...kept]) {
    writeFileSync(join(path, 'tmp', name), '');
    utimesSync(join(path, 'tmp', name), 1, 1);
  }

  await sweepDrafts(contextOf(path));

  assert.deepEqual(namesIn(path, 'tmp'), kept.toSorted());
});

test('what may be of a living writer waits an hour, counted from the last touch, and is then removed, not used again', async (t) => {
  const { path } = tempSpool(t);
  const draft = '77-1-0badf00d-0badf00d.00000000.0';
  const batch = '77-1-0badf00d-0badf00d.00000000.1';
  writeFileSync(join(path, 'tmp', draft), '');
  mkdirSync(join(path, 'spare', 'batch'));
  writeFileSync(join(path, 'spare', 'batch', 'old'), '');
  utimesSync(join(path, 'spare', 'batch'), 1, 1);
  renameSync(join(path, 'spare', 'batch'), join(path, 'tmp', batch));
  const afterMs = (ms: number): SpoolContext => contextOf(path, { nowMs: () => Date.now() + ms });

  await sweepDrafts(afterMs(HOUR_MS - 60_000));
  assert.deepEqual(namesIn(path, 'tmp'), [draft, batch]);

  await sweepDrafts(afterMs(HOUR_MS));
  assert.deepEqual(namesIn(path, 'tmp'), []);
  assert.deepEqual(namesIn(path, 'spare'), []);
});

test('a draft that cannot be looked at keeps no other from being swept', async (t) => {
  const { path } = tempSpool(t);
  const drafts = ['0', '1', '2'].map((n) => `77-1-0badf00d-0badf00d.00000000.${n}`);
  for (const draft of drafts) writeFileSync(join(path, 'tmp', draft), '');
  const entry = (at: string): ReturnType<typeof nodeFiles.entry> => {
    if (drafts.indexOf(basename(at)) === 1) throw systemError('EUCLEAN', 'lstat');
    return nodeFiles.entry(at);
  };

  await sweepDrafts(contextOf(path, { nowMs: () => Date.now() + HOUR_MS + 1_000, files: { ...nodeFiles, entry } }));

  assert.deepEqual(namesIn(path, 'tmp'), [drafts[1]]);
});

test('a batch of spare files that a dead producer held goes back to spare/', async (t) => {
  const { path } = tempSpool(t);
  const [, start, boot, namespace] = writerName(nodeFiles, process.pid).split('-');
  const batch = `${process.pid}-${Number(start) + 1}-${boot}-${namespace}.00000000.0`;
  mkdirSync(join(path, 'tmp', batch));
  writeFileSync(join(path, 'tmp', batch, 'old'), '');

  await sweepDrafts(contextOf(path));

  assert.deepEqual(namesIn(path, 'tmp'), []);
  assert.deepEqual(namesIn(path, `spare/${batch}`), ['old']);
});
