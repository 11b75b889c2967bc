/** A spool on a network, or on several file systems, is refused; directories that cannot be renamed, as below an overlay, are worked around. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SpoolError } from '../../../../src/job/errors.ts';
import { fileSystemOf } from '../../../../src/spool/place/file-system.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { sweepDrafts } from '../../../../src/spool/recovery/sweep.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../../../support/owners.ts';
import { plant } from '../../../support/planted.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';

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

/** With `path` as a mount point, after one with a space in its name. */
function withMount(path: string): Files {
  const readSystemFile: Files['readSystemFile'] = (file) =>
    file === '/proc/self/mountinfo'
      ? `22 1 8:1 / / rw - ext4 /dev/sda rw\n36 22 8:1 /x /a\\040b rw - ext4 /dev/sda rw\n40 22 8:1 /y ${path.replaceAll(' ', '\\040')} rw shared:7 - ext4 /dev/sda rw\n`
      : nodeFiles.readSystemFile(file);
  return { ...nodeFiles, readSystemFile };
}

/** In which a directory that was there before cannot be renamed. */
function lowerLayer(spool: string): Files {
  const lower = new Set(
    ['running', 'spare', 'tmp'].flatMap((at) => namesIn(spool, at).map((name) => join(spool, at, name))),
  );
  const rename: Files['rename'] = (from, to) => {
    if (lower.has(from) && nodeFiles.entry(from)?.kind === 'directory') throw systemError('EXDEV', 'rename');
    nodeFiles.rename(from, to);
  };
  return { ...nodeFiles, rename };
}

test('a directory of the spool on another device: refused by who sends and who works, with what to do; looking is allowed', (t) => {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  const entry: Files['entry'] = (at) => {
    const info = nodeFiles.entry(at);
    return info !== null && at.includes('/results') ? { ...info, device: info.device + 1 } : info;
  };

  const open = (mustExist: boolean) => () => openSpool({ path, mustExist, files: { ...nodeFiles, entry } });

  assert.throws(open(false), {
    code: 'FSQ_SPOOL_SPLIT',
    message: /results is a mount of its own.*Mount one volume at/,
  });
  assert.doesNotThrow(open(true));
});

test('a mount that shows a folder of the same device: refused, whatever path leads there', (t) => {
  const base = realpathSync(tempDir(t));
  const path = join(base, 'my spool');
  openSpool({ path });
  symlinkSync(path, join(base, 'link'));
  const files = withMount(join(path, 'running'));

  assert.throws(() => openSpool({ path, files }), { code: 'FSQ_SPOOL_SPLIT', message: /running is a mount/ });
  assert.throws(() => openSpool({ path: join(base, 'link'), files }), { code: 'FSQ_SPOOL_SPLIT' });
});

test('a spool that is a mount as a whole, or not made yet with a mount in it: the first is used, of the second nothing is made', (t) => {
  const path = join(realpathSync(tempDir(t)), 'spool');
  mkdirSync(join(path, 'pending'), { recursive: true });

  assert.throws(() => openSpool({ path, files: withMount(join(path, 'pending')) }), { code: 'FSQ_SPOOL_SPLIT' });
  assert(!existsSync(join(path, 'fsq.json')));
  assert.doesNotThrow(() => openSpool({ path, files: withMount(path) }));
});

test('a folder that leads to another device where links are allowed: refused', (t) => {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  renameSync(join(path, 'results'), join(path, 'elsewhere'));
  symlinkSync('/proc', join(path, 'results'));

  assert.throws(() => openSpool({ path, allowUnsafe: true }), { code: 'FSQ_SPOOL_SPLIT' });
});

test('a dead owner below an overlay: its jobs are taken one by one, by two recoverers, each once', async (t) => {
  const { path } = tempSpool(t);
  const ids = Array.from({ length: 10 }, nextId);
  plantDeadOwner(
    path,
    someOwner(1),
    Object.fromEntries(ids.map((id) => [`5.${id}.default.1.0.json`, JSON.stringify({ task: 'echo' })])),
  );
  const context = contextOf(path, { files: lowerLayer(path) });

  await Promise.all([2, 3].map((n) => recoverOrphans(context, recovererOf(someOwner(n)))));

  assertSound(path, ids);
  assert.equal(namesIn(path, 'delayed').length, ids.length);
  assert.deepEqual(namesIn(path, 'running'), []);
  assert.deepEqual(namesIn(path, 'workers'), []);
});

test('spare files below an overlay are left, and a producer makes its own', async (t) => {
  const { path } = tempSpool(t);
  plant(path, 'spare/batch/1', 'old');
  const broker = openSpool({ path, files: lowerLayer(path) });
  t.after(() => broker.close());

  await broker.enqueue(Array.from({ length: 80 }, () => job()));

  assert.equal(namesIn(path, 'pending').length, 80);
  assert.deepEqual(namesIn(path, 'spare/batch'), ['1']);
});

test('a batch of a dead producer below an overlay stays where nothing reads it', async (t) => {
  const { path } = tempSpool(t);
  const name = `${writerName(nodeFiles, process.pid).replace(/-[^-]+-/, '-1-')}.x.0`;
  plant(path, `tmp/${name}/1`, 'old');

  await sweepDrafts(contextOf(path, { files: lowerLayer(path) }));

  assert.deepEqual(namesIn(path, 'tmp'), [name]);
});
