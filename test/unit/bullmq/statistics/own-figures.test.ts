/** A worker's figures where answers are lost, and where another takes it for dead. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Engine } from '../../../../src/bullmq/engine.ts';
import type { FieldValue } from '../../../../src/bullmq/store.ts';
import { readStatistics } from '../../../../src/bullmq/statistics/figures-records.ts';
import { OwnFigures } from '../../../../src/bullmq/statistics/own-figures.ts';
import { figuresOfJobs } from '../../../support/figures.ts';

/** Tables in memory. Its next write fails, before it is done or after, or comes twice, and only the second answer is heard. */
class Tables {
  readonly records = new Map<string, string>();
  fails: 'before' | 'after' | 'twice' | null = null;

  async fields(table: string): Promise<ReadonlyMap<string, string>> {
    return new Map(table === 'statistics' ? this.records : []);
  }

  async clockMs(): Promise<number> {
    return 1_000_000;
  }

  async field(_table: string, field: string): Promise<string | null> {
    return this.records.get(field) ?? null;
  }

  async swapField(_table: string, field: string, before: string | null, after: string): Promise<boolean> {
    return this.#write(() => {
      if ((this.records.get(field) ?? null) !== before) return false;
      this.records.set(field, after);
      return true;
    });
  }

  async mergeFields(_table: string, from: FieldValue, to: FieldValue): Promise<boolean> {
    return this.#write(() => {
      if (this.records.get(from.field) !== from.value) return false;
      this.records.delete(from.field);
      this.records.set(to.field, to.value);
      return true;
    });
  }

  #write(act: () => boolean): boolean {
    const { fails } = this;
    this.fails = null;
    if (fails === 'before') throw new Error('the connection was cut');
    const done = act();
    if (fails === 'after') throw new Error('the answer was lost');
    return fails === 'twice' ? act() : done;
  }
}

function place(): { store: Tables; engine: Engine; succeeded(): Promise<number> } {
  const store = new Tables();
  const engine = { store, nowMs: () => 1_000_000 } as unknown as Engine; // It uses no more of it.
  const succeeded = async (): Promise<number> => {
    const { tasks } = await readStatistics(engine);
    return tasks.reduce((sum, { ended }) => sum + ended.succeeded, 0);
  };
  return { store, engine, succeeded };
}

for (const fails of ['before', 'after', 'twice'] as const)
  test(`figures whose write goes wrong (${fails}) count once`, async () => {
    const { store, engine, succeeded } = place();
    const figures = new OwnFigures(engine, 'mine');
    figures.count(figuresOfJobs(1));
    await figures.close();

    store.fails = fails;
    figures.count(figuresOfJobs(2));
    await figures.close();
    figures.count(figuresOfJobs(4));
    await figures.close();

    assert.equal(await succeeded(), 7);
  });

test('a worker that was taken for dead goes on with what it counts from then on', async () => {
  const { engine, succeeded, store } = place();
  const [slow, other] = [new OwnFigures(engine, 'slow'), new OwnFigures(engine, 'other')];
  slow.count(figuresOfJobs(1));
  await slow.close();

  other.takeOver(); // No owner lives here.
  await other.close();
  assert.deepEqual([...store.records.keys()], ['other']);
  slow.count(figuresOfJobs(2));
  await slow.close();
  slow.count(figuresOfJobs(4));
  await slow.close();

  assert.equal(await succeeded(), 7);
});

for (const fails of ['before', 'after', 'twice'] as const)
  test(`figures of the dead count once where taking them goes wrong (${fails})`, async () => {
    const { store, engine, succeeded } = place();
    const dead = new OwnFigures(engine, 'dead');
    dead.count(figuresOfJobs(1));
    await dead.close();
    const figures = new OwnFigures(engine, 'mine');
    figures.count(figuresOfJobs(2));
    await figures.close();

    store.fails = fails;
    figures.takeOver();
    await figures.close();
    figures.takeOver();
    figures.count(figuresOfJobs(4));
    await figures.close();

    assert.equal(await succeeded(), 7);
    assert.deepEqual([...store.records.keys()], ['mine']);
  });

test('a record that cannot be read counts for nothing, and is left alone', async () => {
  const { store, engine, succeeded } = place();
  store.records.set('odd', '{"v":2}').set('broken', '{');
  const figures = new OwnFigures(engine, 'mine');

  figures.takeOver();
  figures.count(figuresOfJobs(1));
  await figures.close();

  assert.equal(await succeeded(), 1);
  assert.deepEqual([...store.records.keys()].toSorted(), ['broken', 'mine', 'odd']);
});
