import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { isRecentEnough, syncFileSystem } from '../../../src/spool/sync-file-system.ts';
import { tempDir } from '../../support/temp.ts';

test('only a Linux that reports errors of syncfs(2) is trusted with it', () => {
  for (const release of ['5.8.0', '5.10.0-28-amd64', '6.1.0', '10.0'])
    assert.equal(isRecentEnough(release), true, release);
  for (const release of ['5.7.19', '4.18.0-553.el8', '', 'unknown'])
    assert.equal(isRecentEnough(release), false, release);
});

test('a file system is synced', { skip: existsSync('/usr/bin/sync') ? false : 'no sync(1) here' }, async (t) => {
  assert.equal(await syncFileSystem(tempDir(t)), true);
});

test('what is not there is not said to be synced', async () => {
  assert.equal(await syncFileSystem('/no such directory'), false);
});
