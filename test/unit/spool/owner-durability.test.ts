import assert from 'node:assert/strict';
import test from 'node:test';
import { type Files, nodeFiles } from '../../../src/spool/disk/files.ts';
import { contextOf, tempContext } from '../../support/context.ts';
import { durableFiles } from '../../support/durability.ts';
import { register } from '../../../src/spool/owners/owner.ts';

test('the proof of an owner is on disk before its directory can be: else a power cut leaves jobs whose owner nobody can prove dead', async (t) => {
  const { layout } = tempContext(t);
  const durable = durableFiles(nodeFiles, () => undefined);
  const seen: boolean[] = [];
  const files: Files = {
    ...durable.files,
    makeDirectory: (path) => {
      const owner = path.slice(layout.running.length + 1);
      seen.push(durable.isNameDurable(`${layout.workers}/${owner}.sock`));
      durable.files.makeDirectory(path);
    },
  };

  const registration = await register(contextOf(layout.root, { files }), { role: 'consumer', queues: null, tasks: [] });
  t.after(() => registration.release());

  assert.deepEqual(seen, [true]);
});
