/**
 * A job that moves all the time: it is claimed, sent back to wait, and made ready again while somebody looks for it. At every
 * call of the one who looks it may have gone on. It is never said not to exist; and what does not exist is.
 */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { encodeBase } from '../../src/job/document.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../src/spool/disk/files.ts';
import { findJob } from '../../src/spool/inspect.ts';
import { delayedFileName, jobFileName, type JobName } from '../../src/spool/layout.ts';
import { revoke } from '../../src/spool/revoking/revoke-jobs.ts';
import { idsByPrefix, locate } from '../../src/spool/locate.ts';
import { contextOf } from '../support/context.ts';
import { jobRecord, nextId } from '../support/factory.ts';
import { someOwner } from '../support/owners.ts';
import { forSeeds, type Random } from '../support/random.ts';
import { tempSpool } from '../support/temp.ts';

const LOOKS = 10;

/** Ways to ask for a job; each tells whether it was said to exist. */
const QUESTIONS: Readonly<Record<string, (context: SpoolContext, id: string) => Promise<boolean>>> = {
  locate: async (context, id) => (await locate(context, new Set([id]))).has(id),
  findJob: async (context, id) => (await findJob(context, id)) !== null,
  idsByPrefix: async (context, id) => (await idsByPrefix(context, id.slice(0, 23), 10)).includes(id),
};

for (const [question, ask] of Object.entries(QUESTIONS)) {
  test(`${question}: a job that goes round without a pause is never said to be nowhere`, async (t) => {
    await forSeeds(5, async (random) => {
      const { path, id, files } = movingJob(t, random);
      for (let look = 0; look < LOOKS; look++) assert.equal(await ask(contextOf(path, { files }), id), true);
    });
  });

  test(`${question}: a job that goes the way of all jobs is never said to be nowhere`, async (t) => {
    await forSeeds(20, async (random) => {
      const { path, id, files } = movingJob(t, random, 'once');
      assert.equal(await ask(contextOf(path, { files }), id), true);
    });
  });

  test(`${question}: what is nowhere is proved to be by one look while nobody claims, else by several`, async (t) => {
    const { path } = tempSpool(t, { fsync: false });
    const directory = join(path, 'running', someOwner());
    mkdirSync(directory);
    const past = new Date(Date.now() - 1_000);
    for (const one of [directory, join(path, 'running')]) utimesSync(one, past, past);
    const still = counting();
    const busy = counting(() => void writeFileSync(join(directory, `${crypto.randomUUID()}`), ''));

    assert.equal(await ask(contextOf(path, { files: still.files }), nextId()), false);
    assert.equal(await ask(contextOf(path, { files: busy.files }), nextId()), false);

    assert.equal(still.count(), 1);
    assert.ok(busy.count() >= 8, `${busy.count()} looks`);
  });
}

test('a job that goes round without a pause can be revoked', async (t) => {
  await forSeeds(5, async (random) => {
    const { path, id, files } = movingJob(t, random);

    const found = await revoke(contextOf(path, { files, fsync: false }), [id], false);

    assert.ok(found.has(id));
  });
});

/** A file system that counts how often pending/ is looked through, after doing something else. */
function counting(before: () => void = () => undefined): { readonly files: Files; readonly count: () => number } {
  let count = 0;
  const walk: Files['walk'] = (path) => {
    if (path.endsWith('/pending')) {
      before();
      count++;
    }
    return nodeFiles.walk(path);
  };
  return { files: { ...nodeFiles, walk }, count: () => count };
}

/** A job that may go on at each call of `files`: round and round, or from delayed/ to results/. */
function movingJob(
  t: TestContext,
  random: Random,
  way: 'round' | 'once' = 'round',
): { readonly path: string; readonly id: string; readonly files: Files } {
  const { path } = tempSpool(t, { fsync: false });
  const id = nextId();
  const name: JobName = { id, priority: 5, queue: 'default', attempt: 1, crashes: 0 };
  const owner = join('running', someOwner());
  mkdirSync(join(path, owner));
  const places = [
    join('delayed', delayedFileName(1, name)),
    join('pending', jobFileName(name)),
    join(owner, jobFileName(name)),
    ...(way === 'once' ? [join('results', `${id}.json`)] : []),
  ];
  let at = 0;
  writeFileSync(join(path, places[0] ?? ''), encodeBase(jobRecord({ id })), { mode: 0o600 });
  const goOn = (): void => {
    const isAtEnd = way === 'once' && at === places.length - 1;
    if (isAtEnd || random.below(2) === 0) return;
    const next = (at + 1) % places.length;
    try {
      renameSync(join(path, places[at] ?? ''), join(path, places[next] ?? ''));
    } catch {
      return; // It was withdrawn: it moves no more.
    }
    at = next;
  };
  const files = new Proxy(nodeFiles, {
    get: (target, key) => {
      const real = target[key as keyof Files] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        goOn();
        return real(...args);
      };
    },
  });
  return { path, id, files };
}
