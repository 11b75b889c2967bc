/** What deaths, late writers and odd files leave in schedules/ and keys/, and what the next sender makes of it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { ScheduledInstant } from '../../../../src/broker/schedules.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { keyDirectory } from '../../../../src/spool/keys/key-holders.ts';
import { jobFileName, layoutOf } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { job, nextId, returned } from '../../../support/factory.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';

const NOW = 1_795_739_000_000;
const at = (atMs: number): ScheduledInstant => ({ schedule: 'tick', atMs, pattern: 'every 1s' });

interface Scene {
  readonly path: string;
  readonly broker: Broker;
  /** Of the instant at this time. */
  readonly keyFiles: (atMs: number) => readonly string[];
  readonly marks: () => readonly string[];
}

function scene(t: TestContext): Scene {
  const { path, broker } = tempSpool(t, { fsync: false });
  return {
    path,
    broker,
    keyFiles: (atMs) => listed(instantFolder(path, atMs)),
    marks: () => listed(join(path, 'schedules', 'tick')),
  };
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function instantFolder(path: string, atMs: number): string {
  return keyDirectory(layoutOf(path), '@schedule/tick', String(atMs));
}

const send = (broker: Broker, atMs: number): ReturnType<Broker['schedules']['send']> =>
  broker.schedules.send(at(atMs), job({ id: broker.nextId() }));

/** As a sender leaves it that dies after its job was accepted. */
async function dieBeforeTheMark(path: string, atMs: number, isOver: boolean): Promise<string> {
  const id = isOver ? await settledJob(path, {}, returned(1)) : nextId();
  const standing = { queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  if (!isOver) plant(path, `pending/${jobFileName({ id, ...standing })}`, jobText({ id }));
  mkdirSync(instantFolder(path, atMs), { mode: 0o700, recursive: true });
  writeFileSync(join(instantFolder(path, atMs), `${id}.9999999999999`), '', { mode: 0o600 });
  return id;
}

test('at rest a schedule has one mark, and its instants have nothing in keys/', async (t) => {
  const { path, broker, keyFiles, marks } = scene(t);

  for (const atMs of [NOW, NOW + 1_000, NOW + 2_000]) await send(broker, atMs);

  assert.deepEqual(marks(), [String(NOW + 2_000)]);
  assert.deepEqual([...keyFiles(NOW), ...keyFiles(NOW + 2_000), ...listed(join(path, 'keys'))], []);
  assert.deepEqual(await checkSpool(path), []);
});

for (const isOver of [false, true])
  test(`a sender died after its job was accepted, which ${isOver ? 'has ended' : 'waits'}: the next one finds that job`, async (t) => {
    const { path, broker, keyFiles, marks } = scene(t);
    const id = await dieBeforeTheMark(path, NOW, isOver);

    assert.deepEqual(await send(broker, NOW), { id, isDuplicate: true });

    assert.deepEqual([marks(), keyFiles(NOW)], [[String(NOW)], []]);
    assert.deepEqual((await broker.schedules.find('tick')).last, { atMs: NOW, id });
    assert.deepEqual(await checkSpool(path), []);
  });

test('a sender died after its mark: the next one removes the holder', async (t) => {
  const { path, broker, keyFiles } = scene(t);
  await dieBeforeTheMark(path, NOW, false);
  plant(path, `schedules/tick/${NOW}`, '');

  assert.equal(await send(broker, NOW), null);

  assert.deepEqual(keyFiles(NOW), []);
});

test('a sender died with its draft: the next one sends the job', async (t) => {
  const { path, broker, marks } = scene(t);
  const id = nextId();
  mkdirSync(instantFolder(path, NOW), { mode: 0o700, recursive: true });
  writeFileSync(join(instantFolder(path, NOW), `${id}.json`), jobText({ id }), { mode: 0o600 });
  writeFileSync(join(instantFolder(path, NOW), `${id}.9999999999999`), '', { mode: 0o600 });

  assert.equal((await send(broker, NOW))?.isDuplicate, false);

  assert.deepEqual(marks(), [String(NOW)]);
  assert.equal((await broker.counts()).pending, 1);
});

test('a sender that is stopped before its job is accepted, while another does all of it, sends none', async (t) => {
  const { path, keyFiles } = scene(t);
  let isListed = false;
  const late = openSpool({
    path,
    fsync: false,
    files: {
      ...nodeFiles,
      list: (directory) => {
        const names = nodeFiles.list(directory);
        // The look that finds its own draft and holder is the last before the job is accepted.
        if (directory !== instantFolder(path, NOW) || names.length !== 2) return names;
        isListed = true;
        plant(path, `schedules/tick/${NOW}`, '');
        return names;
      },
    },
  });
  t.after(() => late.close());

  assert.equal(await send(late, NOW), null);

  assert.ok(isListed);
  assert.equal((await late.counts()).pending, 0);
  assert.deepEqual(keyFiles(NOW), []);
});

test('a mark that cannot be made is made by the next call, which finds the job', async (t) => {
  const { path, broker, marks } = scene(t);
  let isRefused = true;
  const files: Files = {
    ...nodeFiles,
    rename: (from, to) => {
      if (isRefused && to.includes('/schedules/')) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      nodeFiles.rename(from, to);
    },
  };
  const faulty = openSpool({ path, fsync: false, files });
  t.after(() => faulty.close());

  await assert.rejects(send(faulty, NOW), { name: 'SpoolError' });
  const [waiting] = await broker.list(['pending'], 10);
  isRefused = false;

  assert.deepEqual(await send(faulty, NOW), { id: waiting?.id, isDuplicate: true });
  assert.deepEqual(marks(), [String(NOW)]);
});

test('a mark that comes late changes nothing', async (t) => {
  const { path, broker, marks } = scene(t);
  await send(broker, NOW + 2_000);
  plant(path, `schedules/tick/${NOW}`, '');

  assert.equal((await broker.schedules.find('tick')).doneMs, NOW + 2_000);
  assert.equal(await send(broker, NOW + 1_000), null);
  await send(broker, NOW + 3_000);
  assert.deepEqual(marks(), [String(NOW + 3_000)]);
});

describe('a mark whose content cannot be read still says what is done:', () => {
  const contents: readonly [string, string][] = [
    ['nothing', ''],
    ['no JSON', '{"v":1,"patt'],
    ['another kind', '[1]'],
    ['odd values', '{"pattern":1,"last":{"atMs":"x","id":"../x"}}'],
  ];
  for (const [what, text] of contents)
    test(what, async (t) => {
      const { path, broker } = scene(t);
      plant(path, `schedules/tick/${NOW}`, text);

      const expected = { name: 'tick', doneMs: NOW, pattern: null, last: null, isPaused: false };
      assert.deepEqual(await broker.schedules.find('tick'), expected);
      assert.equal((await send(broker, NOW + 1_000))?.isDuplicate, false);
    });

  test('a link, which is not followed', async (t) => {
    const { path, broker } = scene(t);
    plant(path, 'schedules/tick/secret', '{"pattern":"out"}');
    symlinkSync('secret', join(path, 'schedules', 'tick', String(NOW)));

    const { doneMs, pattern } = await broker.schedules.find('tick');

    assert.deepEqual([doneMs, pattern], [NOW, null]);
  });
});

test('what is no folder of a schedule is an error for that schedule alone', async (t) => {
  const { path, broker } = scene(t);
  await send(broker, NOW);
  plant(path, 'schedules/other', '');
  const other = { ...at(NOW), schedule: 'other' };

  await assert.rejects(broker.schedules.find('other'), { name: 'SpoolError' });
  await assert.rejects(broker.schedules.send(other, job()), { name: 'SpoolError' });

  assert.equal((await send(broker, NOW + 1_000))?.isDuplicate, false);
  assert.deepEqual(
    (await broker.schedules.list()).map(({ name }) => name),
    ['tick'],
  );
});

test('where somebody has removed the folder, the schedule is new', async (t) => {
  const { path, broker } = scene(t);
  await send(broker, NOW);
  rmSync(join(path, 'schedules'), { recursive: true });

  assert.equal((await broker.schedules.find('tick')).doneMs, null);
  assert.equal((await send(broker, NOW + 1_000))?.isDuplicate, false);
});

test('what the doctor finds in schedules/: foreign names, and marks far ahead of the clock', async (t) => {
  const { path, broker } = scene(t);
  await send(broker, NOW);
  const ahead = Date.now() + 30 * 86_400_000;
  plant(path, 'schedules/tick/notes.txt', '');
  plant(path, 'schedules/stray', '');
  plant(path, `schedules/tick/${ahead}`, '');

  const findings = await checkSpool(path);

  assert.deepEqual(findings.map(({ code }) => code).toSorted(), ['foreign', 'foreign', 'schedule-ahead']);
  for (const name of ['tick/notes.txt', 'stray', `tick/${ahead}`]) unlinkSync(join(path, 'schedules', name));
  assert.deepEqual(await checkSpool(path), []);
});
