/** Workers at both ends of a move: those that take jobs while it goes on, and the one that runs what is there in the end. */
import type { Broker } from '../../../src/broker/broker.ts';
import type { Consumer, Keeper } from '../../../src/broker/worker-side.ts';
import { returned } from '../../support/factory.ts';
import type { Planted } from './places.ts';

/** How long what is ready may take to have run, ms. */
const LIMIT_MS = 45_000;
/** Jobs that are due within the test. The others wait for an hour. */
const READY = [
  'again',
  'unique',
  'timed',
  'first',
  'second',
  'third',
  'ready',
  'urgent',
  'taking',
  'left',
  'right',
  'chord',
];

export interface Run {
  readonly id: string;
  readonly args: readonly unknown[];
}

/** One worker at each end, which take jobs from `mayTake` on. */
export class Meanwhile {
  readonly runs: Run[] = [];
  readonly #workers: readonly Worker[];

  static async begin(from: Broker, to: Broker): Promise<Meanwhile> {
    return new Meanwhile([await Worker.open(from), await Worker.open(to)]);
  }

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  mayTake(): void {
    for (const worker of this.#workers) worker.begin(this.runs);
  }

  async close(): Promise<void> {
    // Both end, also when one of them has failed.
    const ends = await Promise.allSettled(this.#workers.map(async (worker) => worker.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

class Worker {
  readonly #keeper: Keeper;
  readonly #consumer: Consumer;
  readonly #stop = new AbortController();
  #working: Promise<void> = Promise.resolve();

  static async open(broker: Broker): Promise<Worker> {
    const keeper = await broker.keeper({ queues: null });
    return new Worker(keeper, await broker.consumer({ queues: null, tasks: [] }));
  }

  private constructor(keeper: Keeper, consumer: Consumer) {
    this.#keeper = keeper;
    this.#consumer = consumer;
  }

  begin(runs: Run[]): void {
    this.#working = this.#work(runs);
    this.#working.catch(() => this.#stop.abort()); // It is thrown at the end. Until then nobody else may be told of it.
  }

  async close(): Promise<void> {
    this.#stop.abort();
    try {
      await this.#working;
    } finally {
      await this.#consumer.close();
      await this.#keeper.close();
    }
  }

  async #work(runs: Run[]): Promise<void> {
    const { signal } = this.#stop;
    for (let claim = await this.#consumer.next(signal); claim !== null; claim = await this.#consumer.next(signal)) {
      const nowMs = Date.now();
      runs.push({ id: claim.job.id, args: claim.job.args });
      await claim.settle(returned(claim.job.id), { startedAtMs: nowMs, endedAtMs: nowMs });
    }
  }
}

/** @returns all runs, in their order, when everything that is ready has run at either end */
export async function drainBoth(
  from: Broker,
  to: Broker,
  planted: Planted,
  workers: Meanwhile | null,
): Promise<readonly Run[]> {
  const both = workers ?? (await Meanwhile.begin(from, to));
  if (workers === null) both.mayTake();
  const ids = READY.map((name) => planted.named[name] ?? '');
  const hasEnded = async (id: string): Promise<boolean> =>
    (await to.outcome(id)) !== null || (await from.outcome(id)) !== null;
  const endAt = performance.now() + LIMIT_MS;
  for (let left = ids; left.length > 0 && performance.now() < endAt;) {
    const ended = await Promise.all(left.map(hasEnded));
    left = left.filter((_, i) => ended[i] === false);
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await both.close();
  return both.runs;
}

/** Each job that is ready has run once, behind those that it comes after, and was given what they gave. */
export function violationsOfRuns(runs: readonly Run[], { named, ids }: Planted): readonly string[] {
  const broken = ids.flatMap((id) => {
    const name = Object.keys(named).find((each) => named[each] === id) ?? '';
    const count = runs.filter((run) => run.id === id).length;
    return count === (READY.includes(name) ? 1 : 0) ? [] : [`${name} ran ${count} times`];
  });
  const at = (name: string): number => runs.findIndex(({ id }) => id === named[name]);
  for (const [first, second] of [
    ['first', 'second'],
    ['second', 'third'],
    ['left', 'chord'],
    ['right', 'chord'],
  ] as const)
    if (at(first) > at(second)) broken.push(`${second} ran before ${first}`);
  const args = JSON.stringify(runs[at('chord')]?.args ?? null);
  if (args !== JSON.stringify([[named['left'], named['right']]])) broken.push(`chord was given ${args}`);
  return broken;
}
