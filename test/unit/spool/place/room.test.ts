/** Room on a full disk: what may be given up, and when nothing is left of it. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { makeRoom } from '../../../../src/spool/place/room.ts';
import { contextOf } from '../../../support/context.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

test('spare files are given up first, then the reserve, and then there is nothing left', (t) => {
  const { path } = tempSpool(t);
  put(path, 'batch/file');
  put(path, 'reserve/0');

  assert.equal(makeRoom(contextOf(path)), true);
  assert.deepEqual(namesIn(path, 'spare'), ['reserve']);
  assert.equal(makeRoom(contextOf(path)), true);
  assert.deepEqual(namesIn(path, 'spare'), []);
  assert.equal(makeRoom(contextOf(path)), false);
});

test('a link in place of a batch leads to nothing that is removed', (t) => {
  const { path } = tempSpool(t);
  const elsewhere = join(path, 'logs');
  writeFileSync(join(elsewhere, 'file'), '');
  symlinkSync(elsewhere, join(path, 'spare', 'link'));

  assert.equal(makeRoom(contextOf(path)), false);

  assert.deepEqual(namesIn(path, 'logs'), ['file']);
});

test('what cannot be removed makes no room: whoever tries as long as there is some comes to an end', (t) => {
  const { path } = tempSpool(t);
  put(path, 'batch/folder/file');
  put(path, 'other/immutable');
  const unlink = (at: string): void => {
    if (at.endsWith('immutable')) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    nodeFiles.unlink(at);
  };

  assert.equal(makeRoom(contextOf(path, { files: { ...nodeFiles, unlink } })), false);
});

function put(spool: string, name: string): void {
  mkdirSync(join(spool, 'spare', name, '..'), { recursive: true });
  writeFileSync(join(spool, 'spare', name), 'x');
}
