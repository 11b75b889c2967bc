/** What is in the way of a rename: a folder goes to corrupt/, and what another process puts in its place stays. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Files, nodeFiles } from '../../../src/spool/files.ts';
import { renameOver } from '../../../src/spool/way.ts';
import { contextOf } from '../../support/context.ts';
import { namesIn } from '../../support/invariants.ts';
import { tempSpool } from '../../support/temp.ts';

test('a folder that has the name is moved to corrupt/, and the rename is done', (t) => {
  const { path } = tempSpool(t);
  const [from, to] = [join(path, 'delayed/from'), join(path, 'pending/to')];
  writeFileSync(from, 'a job');
  mkdirSync(to);

  renameOver(contextOf(path), from, to);

  assert.equal(readFileSync(to, 'utf8'), 'a job');
  assert.match(namesIn(path, 'corrupt').join(), /^to\.[0-9a-f]{16}$/);
});

test('of two processes that meet the folder the slower one leaves the job where the faster one put it', (t) => {
  const { path } = tempSpool(t);
  const [from, to] = [join(path, 'delayed/from'), join(path, 'pending/to')];
  writeFileSync(from, 'a job');
  mkdirSync(to);
  let isFirst = true;
  const files: Files = {
    ...nodeFiles,
    entry: (looked) => {
      const entry = nodeFiles.entry(looked);
      if (looked === to && isFirst) {
        isFirst = false;
        rmdirSync(to);
        nodeFiles.rename(from, to);
      }
      return entry;
    },
  };

  assert.throws(() => renameOver(contextOf(path, { files }), from, to), { code: 'ENOENT' });

  assert.equal(readFileSync(to, 'utf8'), 'a job');
  assert.deepEqual(namesIn(path, 'corrupt'), []);
});
