import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sighting } from '../../../../../src/broker/broker.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { familyOf, treeOf } from '../../../../../src/ui/desk/job/job-family.ts';
import { nextId } from '../../../../support/factory.ts';
import { sighting } from '../../../../support/sighting.ts';

/** Jobs by the names of those that each comes after. */
function family(after: Readonly<Record<string, readonly string[]>>): {
  readonly members: Map<string, Sighting | null>;
  readonly shown: (of: string) => readonly string[];
} {
  const ids = new Map(Object.keys(after).map((name) => [name, nextId()]));
  const idOf = (name: string): string => ids.get(name) ?? '';
  const nameOf = (id: string): string => [...ids].find(([, one]) => one === id)?.[0] ?? '?';
  const members = new Map<string, Sighting | null>(
    Object.entries(after).map(([name, others]) => [
      idOf(name),
      sighting({}, { id: idOf(name), options: { after: others.map(idOf) } }),
    ]),
  );
  const shown = (of: string): readonly string[] =>
    treeOf(members, idOf(of)).map(({ id, depth, isThis }) => `${'  '.repeat(depth)}${nameOf(id)}${isThis ? ' *' : ''}`);
  return { members, shown };
}

describe('a family of jobs', () => {
  test('that is a chain is a step further in at each job', () => {
    assert.deepEqual(family({ a: [], b: ['a'], c: ['b'] }).shown('b'), ['a', '  b *', '    c']);
  });

  test('that is a chord has its last job behind and further in than all others, whose chains stay together', () => {
    const { shown } = family({ a1: [], b1: [], a2: ['a1'], b2: ['b1'], sum: ['a2', 'b2'], mail: ['sum'] });

    assert.deepEqual(shown('sum'), ['a1', '  a2', 'b1', '  b2', '    sum *', '      mail']);
  });

  test('names also what is there no more, and what waits for itself', () => {
    const { members, shown } = family({ a: [], b: ['a'], c: ['d'], d: ['c'] });
    for (const id of [...members.keys()].slice(0, 1)) members.set(id, null);

    assert.deepEqual(shown('a'), ['a *', '  b', 'c', 'd']);
    assert.deepEqual(
      treeOf(members, '').map(({ state }) => state),
      [null, 'pending', 'pending', 'pending'],
    );
  });

  test('that is too large for one look is told to be a part of it', async () => {
    const chain = (length: number): Promise<{ family: readonly unknown[]; isFamilyWhole: boolean }> => {
      const ids = Array.from({ length }, nextId);
      const jobs = ids.map((id, i) => sighting({}, { id, options: { after: ids.slice(Math.max(0, i - 1), i), next: ids.slice(i + 1, i + 2) } })); // prettier-ignore
      const broker = {
        changed: async (seen: ReadonlyMap<string, unknown>) =>
          new Map(jobs.flatMap((job) => (seen.has(job.id) ? [[job.id, { mark: '', atMs: 0, sighting: job }]] : []))),
      };
      return familyOf(broker, jobs[0] ?? sighting(), new JobIndex());
    };

    const [whole, part] = [await chain(20), await chain(700)];

    assert.deepEqual([whole.family.length, whole.isFamilyWhole], [20, true]);
    assert.ok(part.family.length <= 500);
    assert.equal(part.isFamilyWhole, false);
    const gone = { changed: async () => new Map() };
    const many = sighting({}, { options: { after: Array.from({ length: 600 }, nextId) } });
    assert.equal((await familyOf(gone, many, new JobIndex())).isFamilyWhole, false);
  });
});
