import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Counting } from '../../../../src/spool/statistics/counting.ts';
import { readStatistics } from '../../../../src/spool/statistics/read-statistics.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { contextOf, tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { figuresFile, figuresOfJobs, plantFigures, succeededIn } from '../../../support/figures.ts';
import { plant } from '../../../support/planted.ts';

const [A, B, C, D] = ['1-000000000000000a', '2-000000000000000b', '3-000000000000000c', '4-000000000000000d'] as const;
const CHANGES: ReadonlySet<string> = new Set(['create', 'write', 'rename', 'unlink', 'makeDirectory']);

/** Those that live have a record. */
function isAlive(context: SpoolContext, owner: string): void {
  plant(context.layout.root, `workers/${owner}.json`, '{}');
}

function hasDied(context: SpoolContext, owner: string): void {
  rmSync(join(context.layout.workers, `${owner}.json`));
}

function countingOf(context: SpoolContext, owner: string, files: Files = nodeFiles): Counting {
  isAlive(context, owner);
  return new Counting(contextOf(context.layout.root, { files }), owner);
}

const namesOf = ({ layout }: SpoolContext): readonly string[] => readdirSync(layout.statistics).toSorted();

/** Files of which `before` hears before each call that changes something. */
function watched(before: (call: string) => void): Files {
  return new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const act = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (CHANGES.has(key)) before(key);
        return act(...args);
      };
    },
  });
}

/** Files of a process that ends before its change of that number. */
function dyingAt(change: number): { readonly files: Files; readonly hasDied: () => boolean } {
  let changes = 0;
  const files = new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const act = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (CHANGES.has(key) && changes < change) changes++;
        if (changes === change) throw new Error('This process has ended.');
        return act(...args);
      };
    },
  });
  return { files, hasDied: () => changes === change };
}

test('what a worker counts is on disk within a second, and nothing is written while nothing changes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const context = tempContext(t);
  const changes: string[] = [];
  const counting = countingOf(
    context,
    A,
    watched((call) => changes.push(call)),
  );
  for (let i = 0; i < 1_000; i++) counting.count(figuresOfJobs(1));
  assert.deepEqual(changes, []);

  t.mock.timers.tick(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(succeededIn(context), 1_000);
  assert.equal(changes.filter((call) => call === 'rename').length, 2, changes.join()); // The first finds no directory.
  changes.length = 0;

  counting.count(figuresOfJobs(1));
  t.mock.timers.tick(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(changes, ['create', 'write', 'rename']);
  for (let i = 0; i < 100; i++) t.mock.timers.tick(1_000);
  await counting.close();
  assert.deepEqual([succeededIn(context), changes.length], [1_001, 3]);
});

test('the file and its directory are as private as all others', async (t) => {
  const context = tempContext(t);
  const counting = countingOf(context, A);
  counting.count(figuresOfJobs(1));
  await counting.close();
  hasDied(context, A);

  const modes = ['', `/${A}.json`].map((name) => statSync(`${context.layout.statistics}${name}`).mode & 0o777);
  assert.deepEqual(modes, [0o700, 0o600]);
  assert.deepEqual(await checkSpool(context.layout.root), []);
});

test('a worker takes over the figures of those that have ended, and leaves those of the living', async (t) => {
  const context = tempContext(t);
  plantFigures(context.layout.root, {
    [`${B}.json`]: figuresFile(20, { sinceMs: 5 }),
    [`${C}~${B}.json`]: figuresFile(300),
    [`${D}.json`]: figuresFile(4_000),
  });
  isAlive(context, D);
  const counting = countingOf(context, A);
  counting.count(figuresOfJobs(1));

  await counting.takeOver();

  assert.equal(succeededIn(context), 4_321);
  assert.deepEqual(namesOf(context), [`${A}.json`, `${D}.json`]);
  assert.equal(readStatistics(context).sinceMs, 5);
  await counting.close();
  assert.deepEqual([succeededIn(context), namesOf(context)], [4_321, [`${A}.json`, `${D}.json`]]);
  assert.match(readFileSync(join(context.layout.statistics, `${A}.json`), 'utf8'), /"taken":\[\]/);
});

test('what cannot be read, or is of a newer fsq, is left where it is', async (t) => {
  const context = tempContext(t);
  const newer = figuresFile(1).replace('"v":1', '"v":9');
  plantFigures(context.layout.root, { [`${B}.json`]: 'garbage', [`${C}.json`]: newer });
  mkdirSync(join(context.layout.statistics, `${D}.json`));
  const counting = countingOf(context, A);

  await counting.takeOver();
  await counting.close();

  assert.deepEqual(namesOf(context), [`${B}.json`, `${C}.json`, `${D}.json`]);
});

/** The figures of the dead B, and of C that B was taking over, at each step of that. */
const SCENES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'two have ended': { [`${B}.json`]: figuresFile(20), [`${C}.json`]: figuresFile(300) },
  'a taker died before it wrote': { [`${B}.json`]: figuresFile(20), [`${C}~${B}.json`]: figuresFile(300) },
  'a taker died after it wrote': {
    [`${B}.json`]: figuresFile(320, { taken: [C] }),
    [`${C}~${B}.json`]: figuresFile(300),
  },
  'a taker of a taker died': {
    [`${B}~${D}.json`]: figuresFile(320, { taken: [C] }),
    [`${C}~${B}.json`]: figuresFile(300),
    [`${D}.json`]: figuresFile(0),
  },
};

for (const [scene, planted] of Object.entries(SCENES)) {
  test(`killed before any change of a takeover, every job counts once: ${scene}`, async (t) => {
    for (let change = 1, isOver = false; !isOver; change++) {
      const context = tempContext(t);
      plantFigures(context.layout.root, planted);
      const dying = dyingAt(change);
      const counting = countingOf(context, A, dying.files);
      await counting.takeOver().catch(() => undefined);
      await counting.close().catch(() => undefined);
      hasDied(context, A);
      isOver = !dying.hasDied();
      assert.ok(isOver || change < 50);

      assert.equal(succeededIn(context), 320, `killed at ${change}: ${namesOf(context).join()}`);
      const next = countingOf(context, '9-0000000000000009');
      await next.takeOver();
      await next.close();
      assert.equal(succeededIn(context), 320, `taken over after a kill at ${change}`);
      assert.deepEqual(namesOf(context), ['9-0000000000000009.json'], `after a kill at ${change}`);
      assert.ok(!isOver || change > 5, `${change} changes`);
    }
  });
}

for (const [scene, planted] of Object.entries(SCENES)) {
  test(`two that take over at one time, and a reader at each step, count every job once: ${scene}`, async (t) => {
    let steps = 0;
    for (let step = 1; step <= Math.max(1, steps); step++) {
      const context = tempContext(t);
      plantFigures(context.layout.root, planted);
      const rival = countingOf(context, '7-0000000000000007');
      let rivals: Promise<void> | null = null;
      let done = 0;
      const counting = countingOf(
        context,
        A,
        watched(() => {
          done++;
          assert.equal(succeededIn(context), 320, `before change ${done}: ${namesOf(context).join()}`);
          if (done === step) rivals = rival.takeOver();
          assert.equal(succeededIn(context), 320, `beside the other, at change ${done}`);
        }),
      );

      await counting.takeOver();
      await rivals;
      await Promise.all([counting.close(), rival.close()]);

      assert.equal(succeededIn(context), 320, `the other came at change ${step}`);
      steps = Math.max(steps, done);
    }
    assert.ok(steps > 4, `${steps} steps`);
  });
}

test('a worker that was taken for dead counts on from zero, and nothing counts twice', async (t) => {
  const context = tempContext(t);
  const living = countingOf(context, B);
  living.count(figuresOfJobs(20));
  await living.close();
  hasDied(context, B); // Somebody has cleared workers/.
  const other = countingOf(context, A);
  await other.takeOver();
  await other.close();

  living.count(figuresOfJobs(300)); // It finds its file gone.
  await living.close();
  living.count(figuresOfJobs(1));
  await living.close();

  assert.equal(succeededIn(context), 21);
});

test('on a disk that is full, or a directory that refuses, counting goes on and harms nothing', async (t) => {
  for (const errno of ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EMFILE']) {
    const context = tempContext(t);
    const faulty = faultyFiles(nodeFiles);
    const inner = contextOf(context.layout.root, { files: faulty.files });
    const events: BrokerEvent[] = [];
    inner.odd.onEvent = (event) => events.push(event);
    isAlive(context, A);
    const counting = new Counting(inner, A);
    faulty.plan({ operation: 'create', call: 1, errno, lasts: 'for good' });
    counting.count(figuresOfJobs(1));
    await counting.close();
    assert.ok(faulty.hasFailed(), errno);
    assert.deepEqual(readdirSync(context.layout.tmp), [], errno);

    faulty.mend();
    const later = new Counting(inner, B);
    isAlive(context, B);
    later.count(figuresOfJobs(2));
    await later.close();

    assert.equal(succeededIn(context), 2, errno);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['EROFS', 'EACCES'].includes(errno) ? ['refused'] : [],
      errno,
    );
  }
});

test('no trouble with statistics/ is the spool’s trouble', (t) => {
  const context = tempContext(t);
  plant(context.layout.root, 'statistics', 'a file');

  assert.equal(context.odd.problem(), null);
});
