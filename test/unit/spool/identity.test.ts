/** Whose drafts may be swept: only those of the surely dead. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Files, nodeFiles } from '../../../src/spool/files.ts';
import { isWriterDead, writerName } from '../../../src/spool/identity.ts';
import { systemError } from '../../support/faulty-files.ts';

const MINE = `${writerName(nodeFiles, process.pid)}.00000000.0`;

function failing(errno: string, isRefused: (path: string) => boolean): Files {
  const refuse = (path: string): string => {
    throw systemError(errno, `open ${path}`);
  };
  return {
    ...nodeFiles,
    readSystemFile: (path) => (isRefused(path) ? refuse(path) : nodeFiles.readSystemFile(path)),
    readLink: (path) => (isRefused(path) ? refuse(path) : nodeFiles.readLink(path)),
  };
}

test('a process that cannot read /proc for want of descriptors takes nobody for dead', () => {
  for (const part of ['stat', 'boot_id', 'ns/']) {
    const files = failing('EMFILE', (path) => path.includes(part));

    assert.equal(isWriterDead(files, MINE), false, `${part} could not be read`);
  }
});

test("a name that was made without a look at /proc is nobody's who is surely dead", () => {
  for (const part of ['stat', 'boot_id', 'ns/']) {
    const name = `${writerName(
      failing('EMFILE', (path) => path.includes(part)),
      process.pid,
    )}.00000000.0`;

    assert.equal(isWriterDead(nodeFiles, name), false, `${part} could not be read`);
  }
});

test('a free pid, another start time and another boot are dead', () => {
  const [, start = '', boot = '', namespace = ''] = /^\d+-(\d+)-(\w{8})-(\w{8})/.exec(MINE) ?? [];

  assert.equal(isWriterDead(nodeFiles, MINE), false);
  assert.equal(isWriterDead(nodeFiles, `4194305-${start}-${boot}-${namespace}.0.0`), true);
  assert.equal(isWriterDead(nodeFiles, `${process.pid}-${Number(start) + 1}-${boot}-${namespace}.0.0`), true);
  assert.equal(isWriterDead(nodeFiles, `${process.pid}-${start}-12345678-${namespace}.0.0`), true);
});
