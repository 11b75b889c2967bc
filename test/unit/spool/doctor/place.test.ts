/** Each thing a place can lack, with a file system that says or does so. */
import assert from 'node:assert/strict';
import { readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { contextFor, diagnose } from '../../../../src/spool/doctor/examine.ts';
import type { Finding } from '../../../../src/spool/doctor/finding.ts';
import { placeFacts } from '../../../../src/spool/doctor/place.ts';
import { type Allowed, placeFindings } from '../../../../src/spool/doctor/place-rows.ts';
import { type EntryInfo, type Files, type FileSystemInfo, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { standstill } from '../../../support/clock.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempSpool } from '../../../support/temp.ts';

const EXT4: FileSystemInfo = {
  type: 0xef53,
  freeBytes: 1e12,
  totalBytes: 2e12,
  freeInodes: 1e6,
  totalInodes: 2e6,
};

const NOTHING: Allowed = { allowNetworkFs: false, allowUnsafe: false };

/** What is found of a spool whose file system differs in `parts` from a good one. An fsync that is none takes no time. */
async function found(t: TestContext, parts: Partial<Files>, allowed = NOTHING): Promise<readonly Finding[]> {
  const { path } = tempSpool(t, { fsync: false });
  const files: Files = { ...nodeFiles, fileSystem: () => EXT4, sync: async () => undefined, ...parts };
  const context = { ...contextFor(path), files };
  if (parts.sync === undefined) standstill(t);
  const facts = await placeFacts(context);
  assert.deepEqual([readdirSync(join(path, 'tmp')), readdirSync(join(path, 'logs'))], [[], []], 'probes leave nothing');
  return placeFindings(facts, allowed);
}

function told(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

test('a good place gives no finding', async (t) => {
  assert.deepEqual(await found(t, {}), []);
});

describe('the file system', () => {
  const types: readonly [what: string, type: number, allow: boolean, expected: readonly string[]][] = [
    ['a network file system is an error', 0x6969, false, ['error network-fs']],
    ['an allowed one is a warning', 0x6969, true, ['warning network-fs']],
    ['tmpfs is a warning', 0x01021994, false, ['warning memory-fs']],
    ['a container’s layer is a warning', 0x794c7630, false, ['warning overlay-fs']],
    ['FUSE may be anything', 0x65735546, false, ['warning unknown-fs']],
    ['an unknown one may be anything', 0x1234, false, ['warning unknown-fs']],
  ];
  for (const [what, type, allow, expected] of types) {
    test(what, async (t) => {
      assert.deepEqual(
        told(await found(t, { fileSystem: () => ({ ...EXT4, type }) }, { ...NOTHING, allowNetworkFs: allow })),
        expected,
      );
    });
  }

  const rooms: readonly [what: string, room: Partial<FileSystemInfo>, expected: readonly string[]][] = [
    ['little room', { freeBytes: 10e6 }, ['warning little-room']],
    ['no room', { freeBytes: 0 }, ['error little-room']],
    ['few inodes', { freeInodes: 10 }, ['warning few-inodes']],
    ['no inodes', { freeInodes: 0 }, ['error few-inodes']],
    ['inodes that are made as needed', { freeInodes: 0, totalInodes: 0 }, []],
  ];
  for (const [what, room, expected] of rooms) {
    test(what, async (t) => {
      assert.deepEqual(told(await found(t, { fileSystem: () => ({ ...EXT4, ...room }) })), expected);
    });
  }

  test('that does not tell its kind', async (t) => {
    const fileSystem = (): never => {
      throw systemError('ENOSYS', 'statfs');
    };

    assert.deepEqual(told(await found(t, { fileSystem })), ['warning unknown-fs']);
  });

  test('a directory on another device', async (t) => {
    const entry: Files['entry'] = (path) => {
      const info = nodeFiles.entry(path);
      return info !== null && path.includes('/results') ? { ...info, device: info.device + 1 } : info;
    };

    const findings = await found(t, { entry });

    assert.deepEqual(told(findings), ['error other-device']);
    assert.match(findings[0]?.location ?? '', /\/results$/);
  });
});

describe('what is tried', () => {
  const fails = (errno: string, syscall: string) => (): never => {
    throw systemError(errno, syscall);
  };
  const trials: readonly [what: string, parts: Partial<Files>, expected: readonly string[]][] = [
    ['no file can be made', { create: fails('EROFS', 'open') }, ['error not-writable']],
    ['the disk is full', { write: fails('ENOSPC', 'write') }, ['error not-writable']],
    ['no file can be renamed', { rename: fails('EXDEV', 'rename') }, ['error no-rename']],
    [
      'no directory can be renamed',
      {
        rename: (from, to) =>
          nodeFiles.entry(from)?.kind === 'directory' ? fails('EXDEV', 'rename')() : nodeFiles.rename(from, to),
      },
      ['error no-rename'],
    ],
    ['fsync fails', { sync: () => Promise.reject(systemError('EIO', 'fsync')) }, ['error no-fsync']],
    ['no watch can be had', { watch: fails('EMFILE', 'watch') }, ['warning no-watch']],
    ['no event comes', { watch: () => ({ close: () => undefined }) }, ['warning no-watch']],
    [
      'the watch fails',
      {
        watch: (_path, _onEvent, onError) => {
          setImmediate(() => onError(systemError('ENOSPC', 'watch')));
          return { close: () => undefined };
        },
      },
      ['warning no-watch'],
    ],
    [
      'the clock of the file system is ahead',
      {
        info: (fd) => ({ ...nodeFiles.info(fd), modifiedAtMs: Date.now() + 60_000 }),
      },
      ['warning clock-skew'],
    ],
    [
      'few processes may watch',
      {
        readSystemFile: (path) => (path.endsWith('max_user_instances') ? '8\n' : nodeFiles.readSystemFile(path)),
      },
      ['warning few-watches'],
    ],
    ['there is no /proc', { readSystemFile: fails('ENOENT', 'open'), readLink: fails('ENOENT', 'readlink') }, []],
  ];
  for (const [what, parts, expected] of trials) {
    test(what, async (t) => {
      assert.deepEqual(told(await found(t, parts)), expected);
    });
  }

  test('a slow fsync is told', async (t) => {
    const sync = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

    assert.deepEqual(told(await found(t, { sync })), ['info slow-fsync']);
  });
});

describe('who may write there', { skip: process.geteuid === undefined && 'needs users' }, () => {
  const uid = process.geteuid?.() ?? 0;
  const isAbove = (path: string): boolean => /fsq-test-\w+$/.test(path);
  const entries: readonly [
    what: string,
    isIt: (path: string) => boolean,
    parts: Partial<EntryInfo>,
    expected: readonly string[],
  ][] = [
    ['the spool is writable by others', (path) => path.endsWith('/spool'), { mode: 0o777 }, ['error unsafe-place']],
    ['the spool is another user’s', (path) => path.endsWith('/spool'), { uid: uid + 4_000 }, ['error unsafe-place']],
    ['a folder above it is writable by others', isAbove, { mode: 0o777 }, ['error unsafe-place']],
    ['a folder above it is sticky, as /tmp is', isAbove, { mode: 0o1777 }, []],
    ['a folder above it is another user’s', isAbove, { uid: uid + 4_000 }, ['error unsafe-place']],
  ];
  for (const [what, isIt, parts, expected] of entries) {
    test(what, async (t) => {
      const entry: Files['entry'] = (path) => {
        const info = nodeFiles.entry(path);
        return info !== null && isIt(path) ? { ...info, ...parts } : info;
      };

      assert.deepEqual(told(await found(t, { entry })), expected);
      const allowed = told(await found(t, { entry }, { ...NOTHING, allowUnsafe: true }));
      assert.deepEqual(
        allowed,
        expected.map((line) => line.replace('error', 'warning')),
      );
    });
  }
});

test('where a plain file takes the place of a directory, that is what is found', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  rmdirSync(join(path, 'delayed'));
  writeFileSync(join(path, 'delayed'), '', { mode: 0o600 });
  standstill(t);
  const files: Files = { ...nodeFiles, fileSystem: () => EXT4, sync: async () => undefined };

  const { findings } = await diagnose({ ...contextFor(path), files }, { ...NOTHING, repair: true });

  assert.deepEqual(told(findings), ['error unsafe-place', 'error missing-directory']);
  assert.match(findings[1]?.message ?? '', /delayed is not a directory/);
});

test('a diagnosis puts errors first and looks at place and jobs alike', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  standstill(t);
  const fileSystem = (): FileSystemInfo => ({ ...EXT4, type: 0x01021994, freeInodes: 0 });
  const files: Files = { ...nodeFiles, fileSystem, sync: async () => undefined };

  const { findings, repaired, jobs, owners } = await diagnose(
    { ...contextFor(path), files },
    { ...NOTHING, repair: false },
  );

  assert.deepEqual(told(findings), ['error few-inodes', 'warning memory-fs']);
  assert.deepEqual(repaired, []);
  assert.deepEqual(jobs, { pending: 0, delayed: 0, running: 0, results: 0, corrupt: 0 });
  assert.deepEqual(owners, { alive: 0, dead: 0, unknown: 0 });
});
