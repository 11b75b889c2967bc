/** Batches of spare files on their way through tmp/: nothing of them stays there while the process that moved them lives on. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Turns } from '../../../../src/spool/disk/rounds.ts';
import { retire } from '../../../../src/spool/results/retire.ts';
import { contextOf } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

const BEFORE_LOOKING = 64;

function plant(directory: string, count: number): readonly string[] {
  mkdirSync(directory, { recursive: true });
  const names = Array.from({ length: count }, () => `${job().job.id}.json`);
  for (const name of names) writeFileSync(join(directory, name), '{}', { mode: 0o600 });
  return names;
}

/** Each one's slice is over at once; it is given up at its n-th turn. */
class GivenUp extends Turns {
  #left: number;

  constructor(left: number) {
    super();
    this.#left = left;
  }

  override get isOver(): boolean {
    return true;
  }

  override async next(): Promise<void> {
    if (this.#left-- === 0) throw new Error('the worker ends');
  }
}

test('work that is given up hands on the files that it has gathered', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const names = plant(join(path, 'results'), 5);

  await assert.rejects(retire(contextOf(path), names, new GivenUp(2)), /the worker ends/);

  assert.deepEqual(namesIn(path, 'tmp'), []);
  const [batch = ''] = namesIn(path, 'spare');
  assert.deepEqual(namesIn(path, join('spare', batch)), names.slice(0, 3).toSorted());
  assert.deepEqual(namesIn(path, 'results'), names.slice(3).toSorted());
});

test('what handing them on throws then does not hide why it was given up', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const names = plant(join(path, 'results'), 5);
  const rename: typeof nodeFiles.rename = (from, to) => {
    if (to.includes('/spare/')) throw systemError('EIO', 'rename');
    nodeFiles.rename(from, to);
  };

  await assert.rejects(
    retire(contextOf(path, { files: { ...nodeFiles, rename } }), names, new GivenUp(2)),
    /the worker ends/,
  );
});

test('a directory that was used up while drafts lay in it goes with the next one', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await broker.enqueue(Array.from({ length: BEFORE_LOOKING }, () => job()));
  for (let i = 0; i < 10; i++) plant(join(path, 'spare', `batch-${i}`), 10);

  for (let i = 0; i < 5; i++) {
    // Ten drafts lie in a directory that is used up, until all twenty are written.
    await broker.enqueue(Array.from({ length: 20 }, () => job()));
    assert.ok(namesIn(path, 'tmp').length <= 2, `${namesIn(path, 'tmp')}`);
  }

  assert.deepEqual(namesIn(path, 'spare'), []);
});

test('one that cannot be removed keeps no job from being sent', async (t) => {
  let refused = 0;
  const removeDirectory: typeof nodeFiles.removeDirectory = (directory) => {
    if (!directory.includes('/tmp/')) return nodeFiles.removeDirectory(directory);
    refused++;
    throw systemError('EACCES', 'rmdir');
  };
  const { path, broker } = tempSpool(t, { fsync: false, files: { ...nodeFiles, removeDirectory } });
  await broker.enqueue(Array.from({ length: BEFORE_LOOKING }, () => job()));
  for (let i = 0; i < 4; i++) plant(join(path, 'spare', `batch-${i}`), 10);

  await broker.enqueue(Array.from({ length: 20 }, () => job()));
  await broker.enqueue(Array.from({ length: 20 }, () => job()));

  assert.ok(refused >= 2, `${refused}`);
  assert.equal(namesIn(path, 'pending').length, BEFORE_LOOKING + 40);
});
