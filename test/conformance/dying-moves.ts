/** Whoever moves jobs may die before any step of both ends: the next one goes on, and nothing is lost, or there twice. The other end is a spool. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { migrate, type Migrated } from '../../src/app/migrating/migrate.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { toldOf } from '../support/movable-jobs.ts';
import { tempDir } from '../support/temp.ts';
import { newJob, type OpenBroker } from './parts.ts';

export function dyingMoves(open: OpenBroker): void {
  for (const [way, isFrom] of [
    ['to a spool', true],
    ['from a spool', false],
  ] as const) {
    test(`whoever moves jobs ${way} dies before any step: the next one goes on`, async (t) => {
      const [mine, spool] = [await open(t), otherSpool(t)];
      const [from, to] = isFrom ? [mine, spool] : [spool, mine];
      const [first, free] = [newJob(from, { args: ['first'] }), newJob(from, { etaMs: Date.now() + 3_600_000 })];
      const second = newJob(from, { options: { after: first.job.id } });
      await from.enqueue([first, second, free]);
      const ids = [first, second, free].map(({ job }) => job.id);
      const before = await toldOf(from, ids);

      let steps = 0;
      for (let isOver = false; !isOver; steps++) {
        const death = new Death(steps);
        isOver = await move(death.over(from), death.over(to)).then(
          () => true,
          (error: unknown) => (error === death.error ? false : Promise.reject(error)),
        );
        await death.bury();
        const [here = [], there = []] = await Promise.all([from, to].map(readyIn));
        assert.deepEqual(
          here.filter((id) => there.includes(id)),
          [],
          `ready in both after ${steps} steps`,
        );
        if (!isOver) await move(from, to);
        assert.deepEqual(await toldOf(to, ids), before, `moved after a death before step ${steps}`);
        assert.deepEqual(await toldOf(from, ids), [null, null, null]);
        if (!isOver) assert.equal((await move(to, from)).moved, 3);
      }
      assert.ok(steps > 10, `${steps} steps`);
    });
  }
}

function move(from: Broker, to: Broker): Promise<Migrated> {
  return migrate({ from, to, results: false, waits: false, signal: new AbortController().signal });
}

function otherSpool(t: TestContext): Broker {
  const broker = openSpool({ path: join(tempDir(t), 'other') });
  t.after(() => broker.close());
  return broker;
}

async function readyIn(broker: Broker): Promise<readonly string[]> {
  return (await broker.unended()).flatMap(({ id, state }) => (state === 'pending' ? [id] : []));
}

/** Nothing that whoever moves jobs would do after this step of both ends is done. */
class Death {
  readonly error: Error;
  readonly #at: number;
  readonly #open: { close(): Promise<void> }[] = [];
  #steps = 0;

  constructor(at: number) {
    this.error = new Error(`died before step ${at}`);
    this.#at = at;
  }

  over(broker: Broker): Broker {
    return through(broker, ['departure', 'arrival'], async (act) => {
      const end = (await act()) as ({ close(): Promise<void> } & object) | null;
      if (end === null) return null;
      this.#open.push(end);
      return through(end, null, (step, name) => {
        if (name === 'close') return undefined;
        if (this.#steps++ >= this.#at) throw this.error;
        return step();
      });
    });
  }

  /** The other processes see that it is dead. */
  async bury(): Promise<void> {
    for (const end of this.#open) await end.close();
  }
}

/** The same object, whose methods are called through `ask`: all (null), or those with these names. */
function through<T extends object>(
  target: T,
  names: readonly string[] | null,
  ask: (act: () => unknown, name: string) => unknown,
): T {
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]) => {
        const act = (): unknown => (value as (...given: unknown[]) => unknown).apply(target, args);
        return names === null || names.includes(key) ? ask(act, key) : act();
      };
    },
  });
}
