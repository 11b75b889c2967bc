import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SpoolError } from '../../../src/job/errors.ts';
import { fileSystemOf } from '../../../src/spool/file-system.ts';
import { type Files, nodeFiles } from '../../../src/spool/files.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { tempDir } from '../../support/temp.ts';

const NFS = 0x6969;
const EXT4 = 0xef53;

/** The real files on a file system that says it is of `type`. */
function filesOn(type: number): Files {
  return { ...nodeFiles, fileSystem: (path) => ({ ...nodeFiles.fileSystem(path), type }) };
}

test('file systems are told by their numbers, also when the sign was extended', () => {
  const cases: readonly [type: number, name: string, kind: string][] = [
    [EXT4, 'ext4', 'local'],
    [NFS, 'NFS', 'network'],
    [0xff534d42, 'CIFS', 'network'],
    [0xff534d42 | 0, 'CIFS', 'network'],
    [0x01021994, 'tmpfs', 'memory'],
    [0x794c7630, 'overlayfs', 'overlay'],
    [0x65735546, 'FUSE', 'fuse'],
    [0x1234, 'type 0x1234', 'unknown'],
  ];

  for (const [type, name, kind] of cases) assert.deepEqual(fileSystemOf(type), { name, kind });
});

test('a spool on a network file system is refused, and nothing is made there', (t) => {
  const path = join(tempDir(t), 'deep/spool');

  assert.throws(
    () => openSpool({ path, files: filesOn(NFS) }),
    (error) => error instanceof SpoolError && error.code === 'FSQ_NETWORK_FS' && /NFS.*FSQ_SPOOL/.test(error.message),
  );

  assert.ok(!existsSync(path));
  assert.ok(!existsSync(join(path, '..')));
});

test('a spool that is there already is refused as well once its directory is mounted from the network', async (t) => {
  const path = join(tempDir(t), 'spool');
  await openSpool({ path }).close();

  assert.throws(() => openSpool({ path, mustExist: true, files: filesOn(NFS) }), { code: 'FSQ_NETWORK_FS' });
});

test('a network file system is used when that is allowed', async (t) => {
  const path = join(tempDir(t), 'spool');

  await openSpool({ path, files: filesOn(NFS), allowNetworkFs: true }).close();

  assert.ok(readdirSync(path).includes('fsq.json'));
});

test('where the kind of file system cannot be told the spool opens', async (t) => {
  const path = join(tempDir(t), 'spool');
  const files: Files = {
    ...nodeFiles,
    fileSystem: () => {
      throw Object.assign(new Error('ENOSYS'), { code: 'ENOSYS' });
    },
  };

  await openSpool({ path, files }).close();

  assert.ok(readdirSync(path).includes('fsq.json'));
});
