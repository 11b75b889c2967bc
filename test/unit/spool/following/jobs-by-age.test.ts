/** Where the jobs lie that were sent last, and all of them in order, out of the names of every folder that has jobs. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { jobsByAge, latestJobs, type Place } from '../../../../src/spool/following/jobs-by-age.ts';
import { delayedFileName, jobFileName, layoutOf, resultFileName } from '../../../../src/spool/layout.ts';
import { nextId } from '../../../support/factory.ts';
import { jobText, plant } from '../../../support/planted.ts';
import { random } from '../../../support/random.ts';
import { contextOf } from '../../../support/context.ts';
import { tempSpool } from '../../../support/temp.ts';

interface Scene {
  readonly context: SpoolContext;
  /** Of each job, the path at which it lies. */
  readonly paths: ReadonlyMap<string, string>;
}

/** So many jobs, each in a folder that chance has chosen, with names beside them that are no job's. */
function scene(t: TestContext, count: number): Scene {
  const { path } = tempSpool(t);
  const context = contextOf(path);
  const { below } = random(count);
  const folders: readonly ((id: string) => string)[] = [
    (id) => `pending/${jobFileName({ ...name(id), priority: below(10) })}`,
    (id) => `delayed/${delayedFileName(below(9_999), name(id))}`,
    (id) => `running/7-0000000000000007/${jobFileName({ ...name(id), attempt: 1 })}`,
    (id) => `moving/${delayedFileName(below(9_999), name(id))}`,
    (id) => `results/${resultFileName(id)}`,
  ];
  const paths = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const id = nextId();
    const at = folders[below(folders.length)]?.(id) ?? '';
    paths.set(id, plant(path, at, jobText({ id })));
  }
  for (const odd of ['README', 'zzzzzzzz.json', `${'z'.repeat(36)}.json`, `5.${nextId()}.json`, `${nextId()}.tmp`])
    for (const folder of ['pending', 'delayed', 'results']) plant(path, `${folder}/${odd}`, 'no job');
  return { context, paths };
}

function name(id: string): Parameters<typeof jobFileName>[0] {
  return { id, priority: 5, queue: 'default', attempt: 0, crashes: 0 };
}

test('all jobs come in both orders, with their paths', async (t) => {
  const { context, paths } = scene(t, 300);
  const ids = [...paths.keys()].toSorted();
  for (const [order, wanted] of [
    ['ascending', ids],
    ['descending', ids.toReversed()],
  ] as const) {
    const places: Place[] = [];
    for await (const place of jobsByAge(context, order)) places.push(place);

    assert.deepEqual(
      places,
      wanted.map((id) => ({ id, path: paths.get(id) })),
    );
  }
});

describe('the latest jobs', () => {
  for (const count of [1, 10, 299, 300, 1_000])
    test(`of 300, ${count} are asked for`, async (t) => {
      const { context, paths } = scene(t, 300);
      const wanted = [...paths.keys()].toSorted().toReversed().slice(0, count);

      const places = await latestJobs(context, count);

      assert.deepEqual(
        places,
        wanted.map((id) => ({ id, path: paths.get(id) })),
      );
    });

  for (const order of ['rising', 'falling', 'mixed'] as const)
    test(`are found where a folder gives 5,000 names ${order}`, async (t) => {
      const { context } = scene(t, 0);
      const ids = Array.from({ length: 5_000 }, nextId).toSorted();
      const wanted = ids.toReversed().slice(0, 10);
      const { below } = random(1);
      const given = { rising: ids, falling: ids.toReversed(), mixed: ids.toSorted(() => below(3) - 1) }[order];
      const files: Files = {
        ...nodeFiles,
        walk: (path) => (path === context.layout.results ? given.map(resultFileName) : []),
      };

      const places = await latestJobs({ ...context, files }, 10);

      assert.deepEqual(
        places,
        wanted.map((id) => ({ id, path: `${layoutOf(context.layout.root).results}/${id}.json` })),
      );
    });

  test('of a job that has moved while names were read, its later place is told', async (t) => {
    const { context, paths } = scene(t, 0);
    assert.equal(paths.size, 0);
    const id = nextId();
    const { pending, delayed } = context.layout;
    const names: Readonly<Record<string, readonly string[]>> = {
      [delayed]: [delayedFileName(5, name(id))],
      [pending]: [jobFileName(name(id))],
    };
    const files: Files = { ...nodeFiles, walk: (path) => names[path] ?? [] };

    const places = await latestJobs({ ...context, files }, 10);

    assert.deepEqual(places, [{ id, path: `${pending}/${jobFileName(name(id))}` }]);
  });
});
