/** What one call of the system does that the rest of fsq must not have to think of. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import vm from 'node:vm';
import { hasCode, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { systemError } from '../../../support/faulty-files.ts';

test('a system error has its code in any realm', () => {
  const error: unknown = vm.runInNewContext(`Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })`);

  assert.equal(hasCode(error, 'EACCES', 'ENOENT'), true);
  assert.equal(hasCode(error, 'EACCES'), false);
  for (const other of [null, undefined, 'ENOENT', { code: 2 }, new Error('ENOENT')])
    assert.equal(hasCode(other, 'ENOENT'), false);
});

test('a read that a signal interrupts is repeated', (t) => {
  const path = fileOf(t, 'content');
  const fd = nodeFiles.open(path, 'read');
  t.after(() => nodeFiles.close(fd));
  const interrupted = t.mock.method(fs, 'readSync', interrupt, { times: 1 });

  const bytes = nodeFiles.read(fd, 7);

  assert.equal(bytes.toString(), 'content');
  assert.notEqual(interrupted.mock.calls[0]?.error, undefined);
});

test('so is the read of a file of the system', (t) => {
  const path = fileOf(t, 'content');
  t.mock.method(fs, 'readFileSync', interrupt, { times: 1 });

  assert.equal(nodeFiles.readSystemFile(path), 'content');
});

test('any other error of a read is thrown', (t) => {
  const path = fileOf(t, 'content');
  const fd = nodeFiles.open(path, 'read');
  t.after(() => nodeFiles.close(fd));
  t.mock.method(fs, 'readSync', () => {
    throw systemError('EIO', 'read');
  });

  assert.throws(() => nodeFiles.read(fd, 7), { code: 'EIO' });
});

function interrupt(): never {
  throw systemError('EINTR', 'read');
}

function fileOf(t: TestContext, text: string): string {
  const path = join(tempDir(t), 'file');
  fs.writeFileSync(path, text);
  return path;
}
