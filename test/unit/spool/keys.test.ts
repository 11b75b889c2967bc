/** Keys on disk: what the dead left, what the sweep removes, and a spool that an older fsq made. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Broker, StandIn } from '../../../src/broker/broker.ts';
import { SpoolError } from '../../../src/job/errors.ts';
import { createIdSource } from '../../../src/job/names.ts';
import { contextFor } from '../../../src/spool/doctor/examine.ts';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { keyDirectory } from '../../../src/spool/keys/key-holders.ts';
import { KeySweep } from '../../../src/spool/keys/sweep-keys.ts';
import { layoutOf } from '../../../src/spool/layout.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job, nextId, returned, RUN } from '../../support/factory.ts';
import { nextWithin } from '../../support/next-claim.ts';
import { tempSpool } from '../../support/temp.ts';

const HOUR_MS = 3_600_000;

const directoryOf = (path: string, key = 'a'): string => keyDirectory(layoutOf(path), 'echo', key);

function send(
  broker: Broker,
  key = 'a',
  until: Parameters<Broker['enqueueUnique']>[1]['until'] = 'ended',
): Promise<StandIn> {
  return broker.enqueueUnique(job({ id: broker.nextId(), options: { key } }), { key, until });
}

/** Puts a file into the key's directory. */
function hold(path: string, name: string, text = ''): void {
  mkdirSync(directoryOf(path), { recursive: true, mode: 0o700 });
  writeFileSync(join(directoryOf(path), name), text, { mode: 0o600 });
}

/** An id that was made `ms` ago; negative: that will be. */
function idOf(ms: number): string {
  return createIdSource(
    () => Date.now() - ms,
    (n) => crypto.getRandomValues(new Uint8Array(n)),
  )();
}

async function runOne(broker: Broker): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const claim = await nextWithin(consumer, 10_000);
  await claim?.settle(returned(1), RUN);
  await consumer.close();
}

function sweepAt(path: string, aheadMs = 0): KeySweep {
  return new KeySweep({ ...contextFor(path, false), nowMs: () => Date.now() + aheadMs });
}

test('a key lies in keys/ under a hash of task and key: the job has an empty holder there', async (t) => {
  const { path, broker } = tempSpool(t);

  const { id } = await send(broker, 'a/../b');

  assert.deepEqual(readdirSync(join(path, 'keys')), [
    // printf 'echo\0a/../b' | sha256sum
    '11e0d2fca294bc8d678fd2101ef0a955533de067230dc902620d81527af69a25',
  ]);
  assert.deepEqual(readdirSync(directoryOf(path, 'a/../b')), [id]);
  assert.equal(lstatSync(join(directoryOf(path, 'a/../b'), id)).size, 0);
});

test('a spool that an older fsq made gets its keys/ with the first key', async (t) => {
  const { path } = tempSpool(t);
  rmdirSync(join(path, 'keys'));
  const broker = openSpool({ path });

  assert.equal((await send(broker)).isDuplicate, false);
  assert.equal((await send(broker)).isDuplicate, true);
  assert.equal(lstatSync(join(path, 'keys')).mode & 0o777, 0o700);
});

test('a producer that died with its draft keeps others waiting once, for a second', async (t) => {
  const { path, broker } = tempSpool(t);
  const dead = idOf(5_000);
  hold(path, `${dead}.json`, '{"task":"echo"}');
  hold(path, dead);
  const beganAt = performance.now();

  assert.equal((await send(broker)).isDuplicate, false);

  assert.ok(performance.now() - beganAt > 900);
  assert.equal((await broker.counts()).pending, 1);
  assert.equal(readdirSync(directoryOf(path)).includes(dead), false);
});

test('a rival that is not accepted yet and came later is outdone at once', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const later = idOf(-HOUR_MS);
  hold(path, `${later}.json`, '{"task":"echo"}');
  hold(path, later);
  let beats = 0;
  const heart = setInterval(() => beats++, 20);
  t.after(() => clearInterval(heart));

  assert.equal((await send(broker)).isDuplicate, false);

  // While it waited, for a second, a timer would come fifty times; a machine that stands still adds none.
  assert.ok(beats < 20, `${beats} beats`);
  assert.deepEqual(readdirSync(directoryOf(path)).length, 1);
});

test('a producer whose draft was taken away begins anew, under another id', async (t) => {
  const { path } = tempSpool(t);
  let stolen: string | null = null;
  const broker = openSpool({
    path,
    fsync: false,
    files: {
      ...nodeFiles,
      rename: (from, to) => {
        const name = from.slice(from.lastIndexOf('/') + 1);
        if (stolen === null && from.startsWith(directoryOf(path)) && to.includes('/pending/')) {
          stolen = name.replace('.json', '');
          renameSync(from, from.replace('.json', ''));
        }
        nodeFiles.rename(from, to);
      },
    },
  });
  const asked = job({ id: broker.nextId(), options: { key: 'a' } });

  const { id, isDuplicate } = await broker.enqueueUnique(asked, { key: 'a', until: 'ended' });

  assert.equal(stolen, asked.job.id);
  assert.equal(isDuplicate, false);
  assert.notEqual(id, asked.job.id);
  assert.equal((await broker.find(id))?.record?.job.id, id);
  assert.deepEqual(readdirSync(directoryOf(path)), [id]);
});

test('a holder that stands for nothing is no obstacle: void, ended, or of a job that is nowhere', async (t) => {
  const { path, broker } = tempSpool(t);
  hold(path, nextId(), '{"task":"echo"}');
  hold(path, nextId());
  hold(path, `${nextId()}.0000000000001`);

  assert.equal((await send(broker)).isDuplicate, false);

  assert.equal(readdirSync(directoryOf(path)).length, 1);
});

test('a directory of the key that is a link is refused, and nothing is written behind it', async (t) => {
  const { path, broker } = tempSpool(t);
  const outside = join(path, '..', 'outside');
  mkdirSync(outside);
  symlinkSync(outside, directoryOf(path));

  await assert.rejects(send(broker), (error) => error instanceof SpoolError && error.uncertain.length === 0);

  assert.deepEqual(readdirSync(outside), []);
  assert.deepEqual(readdirSync(join(path, 'tmp')), []);
});

test('the sweep removes what stands for nothing, and a key that nobody holds', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await send(broker, 'ended');
  await runOne(broker);
  await send(broker, 'waits');
  await send(broker, 'timed', { ms: 60_000 });
  hold(path, nextId(), 'void');
  mkdirSync(directoryOf(path, 'empty'));

  await sweepAt(path).sweep();

  assert.deepEqual(
    readdirSync(join(path, 'keys')).toSorted(),
    [directoryOf(path, 'waits'), directoryOf(path, 'timed')]
      .map((one) => one.slice(one.lastIndexOf('/') + 1))
      .toSorted(),
  );
});

test('the sweep lets a holder go when its time is over and its job has ended, not before both', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await send(broker, 'a', { ms: 60_000 });

  await sweepAt(path, HOUR_MS).sweep();
  assert.ok(existsSync(directoryOf(path)));
  await runOne(broker);
  await sweepAt(path).sweep();
  assert.ok(existsSync(directoryOf(path)));
  await sweepAt(path, HOUR_MS).sweep();
  assert.ok(!existsSync(directoryOf(path)));
});

test('the sweep takes drafts of the dead once they are old, and what is nowhere in the second look', async (t) => {
  const { path } = tempSpool(t);
  const [young, undecided, lone, oldLone, nowhere] = [
    idOf(0),
    idOf(2 * 60_000),
    idOf(2 * 60_000),
    idOf(2 * HOUR_MS),
    idOf(2 * 60_000),
  ];
  for (const id of [young, undecided, lone, oldLone]) hold(path, `${id}.json`, '{}');
  for (const id of [young, undecided, nowhere]) hold(path, id);
  const sweep = sweepAt(path);

  await sweep.sweep();
  const once = readdirSync(directoryOf(path)).toSorted();
  await sweep.sweep();

  assert.deepEqual(once, [young, `${young}.json`, `${lone}.json`, nowhere].toSorted());
  assert.deepEqual(readdirSync(directoryOf(path)).toSorted(), [young, `${young}.json`, `${lone}.json`].toSorted());
});

/** A sweep of 5,000 keys that are on no disk; those in `held` have a holder. */
function sweepOfMany(
  path: string,
  isHeld: boolean,
): { sweep(): Promise<void>; readonly left: Set<string>; readonly seen: Set<string> } {
  const keys = join(path, 'keys');
  const left = new Set(Array.from({ length: 5_000 }, (_, i) => directoryOf(path, `key ${i}`)));
  const seen = new Set<string>();
  const list = (name: string): string[] => {
    if (!left.has(name)) return nodeFiles.list(name);
    seen.add(name);
    return isHeld ? [nextId()] : [];
  };
  const walk = (name: string): Iterable<string> =>
    name === keys ? [...left].map((one) => one.slice(keys.length + 1)) : nodeFiles.walk(name);
  const files = { ...nodeFiles, list, walk, removeDirectory: (name: string) => void left.delete(name) };
  const sweep = new KeySweep({ ...contextFor(path, false), files });
  return { sweep: () => sweep.sweep(), left, seen };
}

test('thousands of keys that nobody holds go in one sweep', async (t) => {
  const many = sweepOfMany(tempSpool(t).path, false);

  await many.sweep();

  assert.equal(many.left.size, 0);
});

test('thousands of keys that are held are looked at a part at a time, all of them in a few sweeps', async (t) => {
  const many = sweepOfMany(tempSpool(t).path, true);

  await many.sweep();
  const seen = many.seen.size;
  for (let i = 0; i < 3; i++) await many.sweep();

  assert.ok(seen > 1_500 && seen < 2_500, `looked at ${seen}`);
  assert.equal(many.seen.size, 5_000);
  assert.equal(many.left.size, 5_000);
});

test('a directory that is swept away under a producer is made again', async (t) => {
  const { path } = tempSpool(t);
  let left = 3;
  const broker = openSpool({
    path,
    fsync: false,
    files: {
      ...nodeFiles,
      makeDirectory: (name) => {
        nodeFiles.makeDirectory(name);
        if (name.startsWith(join(path, 'keys', '/')) && left-- > 0) rmdirSync(name);
      },
    },
  });

  assert.equal((await send(broker)).isDuplicate, false);
  assert.ok(left <= 0);
});
