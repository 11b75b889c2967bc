/** Which workers count as others: all but the one whose process asks, whatever their process ids. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isKnownElsewhere } from '../../../../src/spool/ready/elsewhere.ts';
import type { OwnerRecord } from '../../../../src/spool/owners/owner-record.ts';
import { register } from '../../../../src/spool/owners/owner.ts';
import { contextOf } from '../../../support/context.ts';
import { tempSpool } from '../../../support/temp.ts';

/** An owner that lives, with this in its record. */
async function plant(t: TestContext, path: string, about: Partial<OwnerRecord>): Promise<string> {
  const facts = { role: 'supervisor', queues: null, tasks: ['mail'], ...about } as const;
  const registration = await register(contextOf(path), facts);
  t.after(() => registration.release());
  const record = join(path, 'workers', `${registration.owner}.json`);
  writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), ...about }));
  return registration.owner;
}

test('the worker of another container is another, although both have the same process id', async (t) => {
  const { path } = tempSpool(t);
  const parent = await plant(t, path, { pid: process.ppid });
  const asker = await plant(t, path, { role: 'child', tasks: [], parent });
  const about = { owner: asker, task: 'mail', queue: 'default' };
  assert.equal(await isKnownElsewhere(contextOf(path), about), false, 'its own worker is none');

  await plant(t, path, { pid: process.ppid });

  assert.equal(await isKnownElsewhere(contextOf(path), about), true);
});
