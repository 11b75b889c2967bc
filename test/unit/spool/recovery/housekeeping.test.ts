/** What may wait, beside what may not: recovery. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { jobFileName, layoutOf } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { deferred, within } from '../../../support/conditions.ts';
import { jobRecord, nextId } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../../../support/owners.ts';
import { CHILD_SIDE } from '../../../support/child-side.ts';
import { tempSpool } from '../../../support/temp.ts';

const HOUR_MS = 3_600_000;
/** A directory that is never done with ends after so long, ms, so that a test that fails says so. */
const ENDLESS_MS = 8_000;

/** Names of what is looked at in each, and found gone. */
const ENDLESS = {
  results: () => '00000000-0000-4000-8000-000000000000.json',
  tmp: () => '1-2-3.draft',
  progress: () => '00000000-0000-4000-8000-000000000000.json',
  keys: () => crypto.randomUUID().replaceAll('-', '').repeat(2),
};

for (const place of ['results', 'tmp', 'keys', 'progress'] as const) {
  test(`a dead child's job is recovered at once although ${place}/ is looked through without end`, async (t) => {
    const { path } = tempSpool(t);
    const walk = endless(path, place);
    const broker = openSpool({ path, fsync: false, resultTtlMs: 1_000, files: walk.files });
    const keeper = await broker.keeper({ queues: null });
    t.after(() => broker.close());
    t.after(() => keeper.close());
    await within(walk.begun, `${place}/ is looked through`);
    const id = nextId();
    const child = someOwner(1);
    keeper.join(child, CHILD_SIDE);
    plantDeadOwner(path, child, { [heldName(id)]: encodeBase(jobRecord({ id })) });

    await keeper.recover(child, 'crashed');

    assert.equal(walk.hasEnded(), false, `${place}/ was looked through to the end before`);
    assert.equal((await broker.find(id))?.standing.crashes, 1);
    walk.end();
  });
}

test('a worker that ends gives up what may wait', async (t) => {
  const { path } = tempSpool(t);
  const walk = endless(path, 'results');
  const broker = openSpool({ path, fsync: false, resultTtlMs: 1_000, files: walk.files });
  t.after(() => broker.close());
  const keeper = await broker.keeper({ queues: null });
  await within(walk.begun, 'results/ is looked through');

  await keeper.close();

  assert.equal(walk.hasEnded(), false);
});

test('while a recovery waits for a full disk, outcomes expire that make room', async (t) => {
  const { path } = tempSpool(t);
  const old = '00000000-0000-4000-8000-000000000000';
  const file = join(path, 'results', `${old}.json`);
  const full = deferred<void>();
  /** Nothing can be recovered while the outcome takes up the disk. */
  const files = withCall('rename', (from, to) => {
    if (String(from).includes('/running/') && String(to).includes('/delayed/') && isThere(file)) throw noSpace();
  });
  const broker = openSpool({ path, fsync: false, resultTtlMs: 1_000, files });
  t.after(() => broker.close());
  const keeper = await broker.keeper({ queues: null, onEvent: () => full.resolve() });
  t.after(() => keeper.close());
  const id = nextId();
  const child = someOwner(1);
  keeper.join(child, CHILD_SIDE);
  writeFileSync(file, '{"task":"x","attempts":[],"state":"succeeded"}');
  plantDeadOwner(path, child, { [heldName(id)]: encodeBase(jobRecord({ id })) });
  const recovered = keeper.recover(child, 'crashed');
  await within(full.promise, 'the recovery meets the full disk');
  const past = new Date(Date.now() - HOUR_MS);
  utimesSync(file, past, past);

  await within(recovered, 'the recovery');

  assert.equal(namesIn(path, 'results').length, 0);
  assert.equal((await broker.find(id))?.standing.crashes, 1);
});

/** What the first attempt of `id` is held as. */
function heldName(id: string): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt: 1, crashes: 0 });
}

function noSpace(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, rename'), { code: 'ENOSPC' });
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** A file system that does `before` before each call of `name`. */
function withCall(name: keyof Files, before: (...args: unknown[]) => void): Files {
  return new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const real = target[key] as (...args: unknown[]) => unknown;
      if (key !== name) return real;
      return (...args: unknown[]) => {
        before(...args);
        return real(...args);
      };
    },
  });
}

/** A file system in which a walk through `place` goes on until `end` is called. */
function endless(
  path: string,
  place: keyof typeof ENDLESS,
): {
  readonly files: Files;
  readonly begun: Promise<void>;
  readonly hasEnded: () => boolean;
  readonly end: () => void;
} {
  const begun = deferred<void>();
  let hasEnded = false;
  let isStopped = false;
  function* names(): Generator<string> {
    const endAt = performance.now() + ENDLESS_MS;
    begun.resolve();
    while (!isStopped && performance.now() < endAt) yield ENDLESS[place]();
    hasEnded = true;
  }
  const directory = layoutOf(path)[place];
  mkdirSync(directory, { recursive: true });
  const files = new Proxy(nodeFiles, {
    get: (target, key: keyof Files) =>
      key === 'walk' ? (walked: string) => (walked === directory ? names() : target.walk(walked)) : target[key],
  });
  return { files, begun: begun.promise, hasEnded: () => hasEnded, end: () => (isStopped = true) };
}
