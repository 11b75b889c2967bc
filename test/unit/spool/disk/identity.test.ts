/** Whose drafts may be swept: only those of the surely dead. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { bootId, writerName, writerState } from '../../../../src/spool/disk/identity.ts';
import { systemError } from '../../../support/faulty-files.ts';

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

    assert.equal(writerState(files, MINE), 'unproved', `${part} could not be read`);
  }
});

test("a name that was made without a look at /proc is nobody's who is surely dead", () => {
  for (const part of ['stat', 'boot_id', 'ns/']) {
    const name = `${writerName(
      failing('EMFILE', (path) => path.includes(part)),
      process.pid,
    )}.00000000.0`;

    assert.equal(writerState(nodeFiles, name), 'unproved', `${part} could not be read`);
  }
});

test('a free pid and another start time are dead; another boot and another namespace prove nothing', () => {
  const [, start = '', boot = '', namespace = ''] = /^\d+-(\d+)-(\w{8})-(\w{8})/.exec(MINE) ?? [];
  const { pid } = process;

  assert.equal(writerState(nodeFiles, MINE), 'alive');
  assert.equal(writerState(nodeFiles, `4194305-${start}-${boot}-${namespace}.0.0`), 'dead');
  assert.equal(writerState(nodeFiles, `${pid}-${Number(start) + 1}-${boot}-${namespace}.0.0`), 'dead');
  assert.equal(writerState(nodeFiles, `${pid}-${start}-12345678-${namespace}.0.0`), 'unproved');
  assert.equal(writerState(nodeFiles, `4194305-${start}-12345678-${namespace}.0.0`), 'unproved');
  assert.equal(writerState(nodeFiles, `4194305-${start}-${boot}-12345678.0.0`), 'unproved');
  assert.equal(writerState(nodeFiles, 'enqueue.of-another-program'), null);
});

test('a process that /proc hides lives as long as the kernel knows its pid', () => {
  const hiding = (pid: number): Files => failing('ENOENT', (path) => path === `/proc/${pid}/stat`);
  const free = MINE.replace(/^\d+/, '4194305');

  assert.equal(writerState(hiding(process.pid), MINE), 'unproved');
  assert.equal(writerState(hiding(4194305), free), 'dead');
});

test('a zombie is dead, although the kernel still knows its pid', () => {
  const stat = nodeFiles.readSystemFile('/proc/self/stat').replace(/\) \w /, ') Z ');
  const files: Files = {
    ...nodeFiles,
    readSystemFile: (path) => (path.endsWith('/stat') ? stat : nodeFiles.readSystemFile(path)),
  };

  assert.equal(writerState(files, MINE), 'dead');
});

test("where /proc is another pid namespace's, its numbers say nothing of ours", () => {
  const foreign: Files = { ...nodeFiles, readLink: (path) => (path === '/proc/self' ? '7' : nodeFiles.readLink(path)) };
  const name = `${writerName(foreign, process.pid)}.00000000.0`;

  assert.equal(writerState(foreign, name), 'unproved');
  assert.equal(writerState(foreign, MINE), 'unproved');
  assert.equal(writerState(nodeFiles, name), 'unproved');
});

test("a boot id that lies over the kernel's own is none", () => {
  const covered: Files = {
    ...nodeFiles,
    fileSystem: (path) => ({ ...nodeFiles.fileSystem(path), ...(path.endsWith('boot_id') ? { type: 0xef53 } : {}) }),
  };

  assert.match(bootId(nodeFiles) ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(bootId(covered), null);
});
