import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { checkSpool } from '../../../oracle/check.ts';
import { keyDirectory } from '../../../../src/spool/keys/key-holders.ts';
import { layoutOf } from '../../../../src/spool/layout.ts';
import { job, nextId } from '../../../support/factory.ts';
import { tempSpool } from '../../../support/temp.ts';

test('nothing that a producer may leave in keys/ is a finding, and its absence is none', async (t) => {
  const { path, broker } = tempSpool(t);
  const directory = keyDirectory(layoutOf(path), 'echo', 'a');
  await broker.enqueueUnique(job({ options: { key: 'a' } }), { key: 'a', until: { ms: 60_000 } });
  const [undecided, lone, voided] = [nextId(), nextId(), nextId()];
  for (const [name, text] of [
    [`${undecided}.json`, '{"task":"echo"}'],
    [undecided, ''],
    [`${lone}.json`, '{"task":"echo"}'],
    [voided, '{"task":"echo"}'],
  ] as const)
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  const older = tempSpool(t).path;
  rmdirSync(join(older, 'keys'));

  assert.deepEqual(await checkSpool(path), []);
  assert.deepEqual(await checkSpool(older), []);
});

test('foreign names and open modes in keys/ are found', async (t) => {
  const { path } = tempSpool(t);
  const directory = keyDirectory(layoutOf(path), 'echo', 'a');
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, 'note.txt'), '', { mode: 0o600 });
  writeFileSync(join(directory, nextId()), '', { mode: 0o644 });
  writeFileSync(join(path, 'keys', 'f'.repeat(64)), '', { mode: 0o600 });
  mkdirSync(join(path, 'keys', 'mine'), { mode: 0o700 });

  const findings = await checkSpool(path);

  assert.deepEqual(findings.map(({ code }) => code).toSorted(), ['foreign', 'foreign', 'foreign', 'mode']);
});
