import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { BesideSweep } from '../../../../src/spool/beside/sweep-beside.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { jobFileName, type JobName } from '../../../../src/spool/layout.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { attempt, jobText, plant } from '../../../support/planted.ts';

const FOLDERS = ['progress', 'checkpoints'] as const;

test('what lies beside a job stays as long as the job is anywhere, and goes after two sweeps that found it nowhere', async (t) => {
  const context = tempContext(t);
  const { root } = context.layout;
  const name = (id: string): JobName => ({ id, queue: 'default', priority: 5, attempt: 1, crashes: 0 });
  const places: Readonly<Record<string, (id: string) => string>> = {
    pending: (id) => `pending/${jobFileName(name(id))}`,
    delayed: (id) => `delayed/0000000000001.${jobFileName(name(id))}`,
    running: (id) => `running/1-0000000000000001/${jobFileName(name(id))}`,
    fenced: (id) => `running/1-0000000000000001~2-0000000000000002/${jobFileName(name(id))}`,
  };
  const kept = Object.values(places).map((placeOf) => {
    const id = nextId();
    plant(root, placeOf(id), jobText({ id }));
    return id;
  });
  const failed = nextId();
  const failure = { state: 'failed', error: { name: 'E', message: 'm' } } as const;
  plant(root, `results/${failed}.json`, jobText({ id: failed }, { attempts: [attempt()], outcome: failure }));
  const gone = nextId();
  for (const id of [...kept, failed, gone]) for (const folder of FOLDERS) plant(root, `${folder}/${id}.json`, '{}');
  const all = [...kept, failed, gone].map((id) => `${id}.json`).toSorted();
  const sweep = new BesideSweep(context);

  await sweep.sweep();
  const after = FOLDERS.map((folder) => namesIn(root, folder));
  await sweep.sweep();

  assert.deepEqual(after, [all, all], 'a job that is sent back may be missed once');
  const left = all.filter((file) => file !== `${gone}.json`);
  for (const folder of FOLDERS) assert.deepEqual(namesIn(root, folder), left, folder);
});

test('a job that was missed once and is there again keeps what lies beside it', async (t) => {
  const context = tempContext(t);
  const { root } = context.layout;
  const id = nextId();
  plant(root, `checkpoints/${id}.json`, '{}');
  const sweep = new BesideSweep(context);
  const file = jobFileName({ id, queue: 'default', priority: 5, attempt: 1, crashes: 0 });

  await sweep.sweep();
  const path = plant(root, `pending/${file}`, jobText({ id }));
  await sweep.sweep();
  nodeFiles.unlink(path);
  await sweep.sweep();

  assert.deepEqual(namesIn(root, 'checkpoints'), [`${id}.json`]);
});

test('of a job that has succeeded the checkpoint goes at once, and its progress stays', async (t) => {
  const context = tempContext(t);
  const { root } = context.layout;
  const id = nextId();
  const outcome = { state: 'succeeded', value: 1 } as const;
  plant(root, `results/${id}.json`, jobText({ id }, { attempts: [attempt()], outcome }));
  for (const folder of FOLDERS) plant(root, `${folder}/${id}.json`, '{}');

  await new BesideSweep(context).sweep();

  assert.deepEqual(
    FOLDERS.map((folder) => namesIn(root, folder)),
    [[`${id}.json`], []],
  );
});

test('the outcome of a job that failed is read once, however often it is swept', async (t) => {
  const { files, calls, mend } = faultyFiles(nodeFiles);
  const context = tempContext(t, { files });
  const { root } = context.layout;
  const id = nextId();
  const outcome = { state: 'failed', error: { name: 'E', message: 'm' } } as const;
  plant(root, `results/${id}.json`, jobText({ id }, { attempts: [attempt()], outcome }));
  plant(root, `checkpoints/${id}.json`, '{}');
  const sweep = new BesideSweep(context);
  await sweep.sweep();
  mend();

  await sweep.sweep();

  assert.equal(calls.get('open'), undefined);
});

test('names of no job, folders and links are left or removed without harm', async (t) => {
  const context = tempContext(t);
  const { root } = context.layout;
  plant(root, 'secret', 'untouched');
  plant(root, 'progress/odd', 'x');
  mkdirSync(join(root, 'progress', `${nextId()}.json`, 'inner'), { recursive: true });
  const link = `${nextId()}.json`;
  symlinkSync(join(root, 'secret'), join(root, 'progress', link));
  const sweep = new BesideSweep(context);

  await sweep.sweep();
  await sweep.sweep();

  assert.equal(namesIn(root, 'progress').includes(link), false);
  assert.equal(namesIn(root, 'progress').length, 2);
  assert.ok(namesIn(root, '.').includes('secret'));
});

test('in a spool whose jobs use none of it a sweep makes a call for each folder', async (t) => {
  const { files, calls, mend } = faultyFiles(nodeFiles);
  const context = tempContext(t, { files });
  mend();

  await new BesideSweep(context).sweep();

  assert.deepEqual([...calls], [['walk', 3]]);
});
