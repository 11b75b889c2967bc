/**
 * Many processes whose calls become one job of a key, some of them killed or stopped on the way: a job runs once, and no call that was answered
 * is lost to an older one.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { until } from '../support/conditions.ts';
import { returned } from '../support/factory.ts';
import { assertSound } from '../support/invariants.ts';
import { REPOSITORY } from '../support/project.ts';
import { tempSpool } from '../support/temp.ts';

const KEYS = 4;
const CALLS = 60;
const PROCESSES = 5;

/** Calls with keys in turns, and says of each call when it began, when it was answered, and with which job. */
const PRODUCER = `
import { writeSync } from 'node:fs';
const { openSpool } = await import(${JSON.stringify(pathToFileURL(join(REPOSITORY, 'dist/spool/spool.js')).href)});
const [path, me] = process.argv.slice(1);
const broker = openSpool({ path });
for (let i = 0; i < ${CALLS}; i++) {
  const key = 'key ' + (i % ${KEYS});
  const began = process.hrtime.bigint();
  const options = { key };
  const job = { id: broker.nextId(), task: 'echo', args: [me + '.' + i], enqueuedAtMs: Date.now(), options, headers: {} };
  const debounce = { waitMs: 150, mostMs: 600 };
  writeSync(1, ['began', me + '.' + i, began].join(' ') + '\\n');
  const { id } = await broker.enqueueUnique({ job, queue: 'default', priority: 5 }, { key, until: 'started', debounce });
  writeSync(1, ['answered', me + '.' + i, process.hrtime.bigint(), id].join(' ') + '\\n');
}
await broker.close();
`;

interface Call {
  readonly name: string;
  readonly beganNs: bigint;
  readonly answeredNs: bigint;
  readonly id: string;
}

test(`${PROCESSES} processes call with ${KEYS} keys, two die and one stands still`, async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const keeper = await broker.keeper({ queues: null });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const stop = new AbortController();
  const ran = new Map<string, string>();
  const working = (async () => {
    for (let claim = await consumer.next(stop.signal); claim !== null; claim = await consumer.next(stop.signal)) {
      assert.ok(!ran.has(claim.job.id), `${claim.job.id} runs twice`);
      assert.equal(claim.standing.attempt, 1, 'no attempt is counted for a death of a caller');
      ran.set(claim.job.id, String(claim.job.args[0]));
      const nowMs = Date.now();
      await claim.settle(returned(null), { startedAtMs: nowMs, endedAtMs: nowMs });
    }
  })();
  const producers = Array.from({ length: PROCESSES }, (_, n) => produce(t, path, n));

  await hurt(producers);
  await Promise.all(producers.map(({ ended }) => ended));
  await until(async () => {
    const { pending, delayed, running } = await broker.counts();
    return pending + delayed + running === 0;
  }, 'all have run');
  stop.abort();
  await working;
  await consumer.close();
  await keeper.close();

  const text = producers.map(({ text: said }) => said()).join('');
  const calls = callsOf(text);
  const began = beginningsOf(text);
  t.diagnostic(`${calls.length} answered calls became ${ran.size} runs`);
  assert.ok(ran.size < calls.length, 'bursts are one job');
  for (const { name, answeredNs, id } of calls) {
    const arg = ran.get(id) ?? assert.fail(`job ${id} of call ${name} did not run`);
    // The call whose arguments ran must not have ended before this one began: it was made later, or at the same time.
    const winner = calls.find((other) => other.name === arg);
    const call = calls.find((other) => other.name === name);
    assert.ok(began.has(arg), `${arg} was never called`);
    assert.ok(winner === undefined || winner.answeredNs >= (call?.beganNs ?? 0n), `${name} lost to the older ${arg}`);
    assert.ok(answeredNs > 0n);
  }
  assertSound(path);
});

async function hurt(producers: readonly Producer[]): Promise<void> {
  const [first, second, third] = producers;
  const hasDone = (one: Producer | undefined, count: number): boolean => callsOf(one?.text() ?? '').length > count;
  await until(() => hasDone(first, 5), 'the first has begun');
  first?.child.kill('SIGKILL');
  await until(() => hasDone(third, 10), 'the third has begun');
  third?.child.kill('SIGSTOP');
  await until(() => hasDone(second, 20), 'the second has done a part');
  second?.child.kill('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // What is tested is what happens in this time.
  third?.child.kill('SIGCONT');
}

interface Producer {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly text: () => string;
}

function produce(t: TestContext, path: string, n: number): Producer {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PRODUCER, path, `p${n}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, ended: once(child, 'close'), text: () => text };
}

function beginningsOf(text: string): ReadonlyMap<string, bigint> {
  return new Map([...text.matchAll(/^began (\S+) (\d+)$/gm)].map(([, name = '', at = '0']) => [name, BigInt(at)]));
}

function callsOf(text: string): readonly Call[] {
  const began = beginningsOf(text);
  return [...text.matchAll(/^answered (\S+) (\d+) (\S+)$/gm)].map(([, name = '', at = '0', id = '']) => ({
    name,
    beganNs: began.get(name) ?? 0n,
    answeredNs: BigInt(at),
    id,
  }));
}
