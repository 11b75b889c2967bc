import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { writeNew } from '../../../../src/spool/disk/draft.ts';
import { nodeFiles, withName } from '../../../../src/spool/disk/files.ts';
import { isPassing } from '../../../../src/spool/disk/trouble.ts';
import { contextOf } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

const BYTES = Buffer.from('whole');

test('a file gets its name when it is whole', async (t) => {
  const { path } = tempSpool(t);

  await writeNew(contextOf(path), BYTES, join(path, 'logs/file'), { isDurable: true });

  assert.equal(readFileSync(join(path, 'logs/file'), 'utf8'), 'whole');
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

for (const operation of ['create', 'write', 'sync', 'close', 'rename'] as const) {
  test(`a full disk at ${operation} leaves no draft behind, however often it is tried`, async (t) => {
    const { path } = tempSpool(t);
    const faulty = faultyFiles(nodeFiles);
    const context = { ...contextOf(path, { files: faulty.files }), fsync: true };
    faulty.plan({ operation, call: 1, errno: 'ENOSPC', lasts: 'for good' });

    for (let tries = 0; tries < 2; tries++)
      await assert.rejects(writeNew(context, BYTES, join(path, 'logs/file'), { isDurable: true }), {
        code: 'ENOSPC',
      });

    assert.deepEqual([...namesIn(path, 'tmp'), ...namesIn(path, 'logs')], []);
  });
}

for (const text of ['Unknown system error -122: Unknown system error -122', 'UNKNOWN: unknown error']) {
  test(`a full quota, which Node calls "${text}", is waited out`, { skip: process.platform !== 'linux' }, () => {
    const error = Object.assign(new Error(`${text}, write`), { errno: -122, code: text.slice(0, text.indexOf(':')) });

    const named = withName(error);

    assert.equal(named.message, 'EDQUOT: disk quota exceeded, write');
    assert(isPassing(named));
  });
}
