/** "It is gone" and "it is there already" are answers; whatever else the system says is thrown. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Files, nodeFiles as files } from '../../../../src/spool/disk/files.ts';
import {
  createNew,
  discard,
  listIfReadable,
  listIfThere,
  makeDirectory,
  readIfThere,
  removeIfEmpty,
  renameIfThere,
  unlinkIfThere,
  walkIfThere,
} from '../../../../src/spool/disk/if-there.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempDir } from '../../../support/temp-dir.ts';

test('a name that is there is renamed, one that is gone is not', (t) => {
  const [from, to] = [join(tempDir(t), 'from'), join(tempDir(t), 'to')];
  writeFileSync(from, 'content');

  assert.equal(renameIfThere(files, from, to), true);
  assert.equal(renameIfThere(files, from, to), false);
  assert.equal(readFileSync(to, 'utf8'), 'content');
});

test('a name that is there is removed, one that is gone is not', (t) => {
  const path = join(tempDir(t), 'file');
  writeFileSync(path, '');

  assert.equal(unlinkIfThere(files, path), true);
  assert.equal(unlinkIfThere(files, path), false);
});

test('anything is discarded but a folder', (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'file');
  writeFileSync(path, '');

  assert.equal(discard(files, path), true);
  assert.equal(discard(files, path), true, 'it is gone');
  assert.equal(discard(files, directory), false);
  assert.equal(existsSync(directory), true);
});

test('an empty directory is removed, also by another process; one that holds something stays', (t) => {
  const directory = join(tempDir(t), 'directory');
  mkdirSync(directory);
  writeFileSync(join(directory, 'file'), '');

  assert.equal(removeIfEmpty(files, directory), false);
  unlinkIfThere(files, join(directory, 'file'));
  assert.equal(removeIfEmpty(files, directory), true);
  assert.equal(removeIfEmpty(files, directory), true, 'it is gone');
});

test('a file is created with its content unless its name is taken', (t) => {
  const path = join(tempDir(t), 'file');

  assert.equal(createNew(files, path, Buffer.from('first')), true);
  assert.equal(createNew(files, path, Buffer.from('second')), false);
  assert.equal(readFileSync(path, 'utf8'), 'first');
  assert.equal(createNew(files, `${path}.empty`), true);
  assert.equal(readFileSync(`${path}.empty`, 'utf8'), '');
});

test('a file of which the content cannot be written is closed', (t) => {
  const closed: number[] = [];
  const full: Files = {
    ...files,
    write: () => {
      throw systemError('ENOSPC', 'write');
    },
    close: (fd) => {
      closed.push(fd);
      files.close(fd);
    },
  };

  assert.throws(() => createNew(full, join(tempDir(t), 'file'), Buffer.from('x')), { code: 'ENOSPC' });
  assert.equal(closed.length, 1);
});

test('a directory is made unless its name is taken', (t) => {
  const path = join(tempDir(t), 'directory');

  assert.equal(makeDirectory(files, path), true);
  assert.equal(makeDirectory(files, path), false);
});

test('a directory that is gone has no names', (t) => {
  const directory = tempDir(t);
  writeFileSync(join(directory, 'file'), '');

  assert.deepEqual(listIfThere(files, directory), ['file']);
  assert.deepEqual([...walkIfThere(files, directory)], ['file']);
  assert.deepEqual(listIfThere(files, join(directory, 'nothing')), []);
  assert.deepEqual([...walkIfThere(files, join(directory, 'nothing'))], []);
});

test('what is no directory has no names to walk, and cannot be listed', (t) => {
  const path = join(tempDir(t), 'file');
  writeFileSync(path, '');

  assert.deepEqual([...walkIfThere(files, path)], []);
  assert.throws(() => listIfThere(files, path), { code: 'ENOTDIR' });
});

test('what is gone, no directory, or closed to this user has no names that may be read', (t) => {
  const directory = tempDir(t);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  chmodSync(file, 0);

  assert.deepEqual(listIfReadable(files, join(directory, 'nothing')), []);
  assert.deepEqual(listIfReadable(files, file), []);
  assert.deepEqual(listIfReadable(failing('EACCES'), directory), []);
});

test('a small file is read as far as asked, one that is gone is not', (t) => {
  const path = join(tempDir(t), 'file');
  writeFileSync(path, 'content');

  assert.equal(readIfThere(files, path, 100), 'content');
  assert.equal(readIfThere(files, path, 3), 'con');
  assert.equal(readIfThere(files, `${path}.none`, 100), null);
});

test('every other error is thrown', () => {
  const broken = failing('EIO');
  const acts: readonly (() => unknown)[] = [
    () => renameIfThere(broken, '/a', '/b'),
    () => unlinkIfThere(broken, '/a'),
    () => discard(broken, '/a'),
    () => removeIfEmpty(broken, '/a'),
    () => createNew(broken, '/a'),
    () => makeDirectory(broken, '/a'),
    () => listIfThere(broken, '/a'),
    () => listIfReadable(broken, '/a'),
    () => [...walkIfThere(broken, '/a')],
    () => readIfThere(broken, '/a', 1),
  ];

  for (const act of acts) assert.throws(act, { code: 'EIO' }, String(act));
});

/** Files of which every call fails. */
function failing(errno: string): Files {
  return new Proxy(files, {
    get: (_target, operation) => () => {
      throw systemError(errno, String(operation));
    },
  });
}
