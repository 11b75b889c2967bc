/** Many processes that want the same keys at once, of any broker: what they say, and what must be true of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { until } from './conditions.ts';
import { job, returned, RUN } from './factory.ts';
import { REPOSITORY } from './project.ts';
import { random } from './random.ts';

export const KEYS = 20;
export const CALLS = 200;

/** Of a producer: it has opened `broker`, and `keys` are those that it asks for. */
export const ASKING = `
for (const key of JSON.parse(keys)) {
  const job = { id: broker.nextId(), task: 'echo', args: [], enqueuedAtMs: Date.now(), options: { key }, headers: {} };
  const { id, isDuplicate } = await broker.enqueueUnique({ job, queue: 'default', priority: 5 }, { key, until: 'ended' });
  writeSync(1, [key, id, isDuplicate, process.hrtime.bigint()].join(' ') + '\\n');
}
`;

interface Line {
  readonly key: string;
  readonly id: string;
  readonly isDuplicate: boolean;
  readonly atNs: bigint;
}

/** One is killed as soon as it has begun, one later, and one is stopped for longer than others wait for it. */
async function hurt(...victims: readonly (Producer | undefined)[]): Promise<void> {
  const [first, second, third] = victims;
  await until(() => linesOf(first?.text() ?? '').length > 5, 'the first has begun');
  first?.child.kill('SIGKILL');
  third?.child.kill('SIGSTOP');
  await until(() => linesOf(second?.text() ?? '').length > CALLS / 4, 'the second has done a part');
  second?.child.kill('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // What is tested is what happens in this time.
  third?.child.kill('SIGCONT');
}

export interface Producer {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly text: () => string;
}

/** @param node what node is to be started with: a program that asks for the keys of its last argument, and says of each who stands for it */
export function produce(t: TestContext, seed: number, node: readonly string[], ...args: readonly string[]): Producer {
  const { below } = random(seed);
  const keys = Array.from({ length: CALLS }, () => `key ${below(KEYS)}`);
  const child = spawn(process.execPath, [...node, ...args, JSON.stringify(keys)], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, ended: once(child, 'close'), text: () => text };
}

/** Lets the producers end, three of them hurt, and the jobs run: of no key two waited or ran at a time, and all that was told ran. */
export async function assertRace(t: TestContext, broker: Broker, producers: readonly Producer[]): Promise<void> {
  const worker = await work(t, broker);
  await hurt(producers[0], producers[1], producers[2]);
  await Promise.all(producers.map(({ ended }) => ended));
  await until(async () => (await broker.counts()).pending === 0, 'all jobs have been claimed');
  await worker.end();

  const lines = producers.flatMap(({ text }) => linesOf(text()));
  const accepted = lines.filter(({ isDuplicate }) => !isDuplicate);
  t.diagnostic(`${lines.length} calls, ${accepted.length} jobs, ${worker.runs.size} runs`);
  assert.ok(accepted.length > KEYS, 'keys are used again');
  assert.deepEqual(overlaps(accepted, worker.runs), []);
  for (const { id } of lines) assert.ok(worker.runs.has(id), `${id} was told and never ran`);
  for (let i = 0; i < KEYS; i++) await assertFree(broker, `key ${i}`);
}

/** Runs what comes; when each run was surely going on, of the system's one clock. */
async function work(
  t: TestContext,
  broker: Broker,
): Promise<{ runs: Map<string, [bigint, bigint]>; end(): Promise<void> }> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const stop = new AbortController();
  const runs = new Map<string, [bigint, bigint]>();
  const working = (async () => {
    for (let claim = await consumer.next(stop.signal); claim !== null; claim = await consumer.next(stop.signal)) {
      const beganAt = process.hrtime.bigint();
      await new Promise((resolve) => setTimeout(resolve, runs.size % 5)); // So that calls find it running.
      assert.ok(!runs.has(claim.job.id));
      runs.set(claim.job.id, [beganAt, process.hrtime.bigint()]);
      await claim.settle(returned(null), RUN);
    }
  })();
  return {
    runs,
    end: async () => {
      stop.abort();
      await working;
    },
  };
}

/** Jobs of one key of which both surely waited or ran at one moment. */
function overlaps(accepted: readonly Line[], runs: ReadonlyMap<string, readonly [bigint, bigint]>): readonly string[] {
  const spans = accepted.flatMap(({ key, id, atNs }) => {
    const run = runs.get(id);
    return run === undefined ? [] : [{ key, id, from: atNs < run[0] ? atNs : run[0], to: run[1] }];
  });
  return spans.flatMap((one) =>
    spans
      .filter(({ key, id, from, to }) => key === one.key && id > one.id && from < one.to && one.from < to)
      .map(({ id }) => `${one.key}: ${one.id} and ${id}`),
  );
}

async function assertFree(broker: Broker, key: string): Promise<void> {
  const asked = job({ id: broker.nextId(), options: { key } });
  const { isDuplicate } = await broker.enqueueUnique(asked, { key, until: 'ended' });
  assert.equal(isDuplicate, false, key);
}

function linesOf(text: string): readonly Line[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, key = '', id = '', isDuplicate, atNs = '0'] = /^(.*) (\S+) (\S+) (\d+)$/.exec(line) ?? [];
      return { key, id, isDuplicate: isDuplicate === 'true', atNs: BigInt(atNs) };
    });
}
