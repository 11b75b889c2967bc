/** Limits of BullMQ's jobs over several processes, some of them killed: never more than the limit, and never less for long. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { type QueueLimits, writtenRules } from '../../src/job/queue-limits.ts';
import { until } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { REPOSITORY } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endLocks } from './commands/redis-place.ts';

/** fsq takes a server for gone that has not answered within half of this: on a busy machine everything may stand still for a second or two. */
const LOCK_MS = 6_000;
const PROCESSES = 5;
const JOBS = 120;

function srcUrl(path: string): string {
  return JSON.stringify(pathToFileURL(join(REPOSITORY, 'src', path)).href);
}

/** Runs jobs until it is killed, and writes down when each begins and ends. */
const RUNNER = `
import { appendFileSync } from 'node:fs';
const { openBullBroker } = await import(${srcUrl('bullmq/bull-broker.ts')});
const { parseBrokerAddress } = await import(${srcUrl('broker/broker-address.ts')});
const { readRules } = await import(${srcUrl('job/queue-limits.ts')});
const [address, rules, file] = process.argv.slice(1);
const broker = await openBullBroker({ address: parseBrokerAddress(address), lockMs: ${LOCK_MS} });
const consumer = await broker.consumer({ queues: null, tasks: [], limits: readRules(JSON.parse(rules)) });
const never = new AbortController().signal;
for (let claim = await consumer.next(never); claim !== null; claim = await consumer.next(never)) {
  const of = [process.pid, claim.job.id, claim.job.options.limitKey ?? ''].join(' ');
  appendFileSync(file, 'begin ' + of + '\\n');
  const startedAtMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 15));
  appendFileSync(file, 'end ' + of + '\\n');
  const outcome = { state: 'succeeded', value: null };
  await claim.settle({ kind: 'publish', outcome }, { startedAtMs, endedAtMs: Date.now() });
}
`;

interface Runner {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

function start(t: TestContext, ...args: readonly string[]): Runner {
  const program = ['--import', 'tsx', '--input-type=module', '--eval', RUNNER, ...args];
  const child = spawn(process.execPath, program, { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended };
}

interface Case {
  readonly what: string;
  readonly queues?: Readonly<Record<string, QueueLimits>>;
  readonly tasks?: Readonly<Record<string, QueueLimits>>;
  /** Of which group a job is that is counted, by its limit key. */
  readonly groupOf: (limitKey: string) => string;
  readonly most: number;
}

const CASES: readonly Case[] = [
  { what: 'a queue', queues: { default: { concurrency: 2, rate: null } }, groupOf: () => 'all', most: 2 },
  { what: 'a task', tasks: { echo: { concurrency: 2, rate: null } }, groupOf: () => 'all', most: 2 },
  { what: 'each key', tasks: { echo: { concurrency: null, rate: null, perKey: 1 } }, groupOf: (key) => key, most: 1 },
];

describe('limits over several processes', { skip: lacksRedis, concurrency: 1 }, () => {
  for (const [i, { what, queues = {}, tasks = {}, groupOf, most }] of CASES.entries()) {
    test(`of ${what} there are never more jobs at one time than its limit, and a killed process holds none back`, async (t) => {
      const address = (await redisServer()).url(`limits_${i}`);
      const broker = await openBullBroker({ address: parseBrokerAddress(address), lockMs: LOCK_MS });
      t.after(() => broker.close());
      const rules = { queues: new Map(Object.entries(queues)), tasks: new Map(Object.entries(tasks)) };
      const keeper = await broker.keeper({ queues: null, limits: rules }); // It finds the jobs of the dead.
      t.after(() => keeper.close());
      const file = join(tempDir(t), 'log');
      appendFileSync(file, '');
      const sent = Array.from({ length: JOBS }, (_, n) =>
        job({ id: broker.nextId(), options: { limitKey: `key ${n % 4}`, retries: 3 } }),
      );
      await broker.enqueue(sent);
      const runners = Array.from({ length: PROCESSES }, () =>
        start(t, address, JSON.stringify(writtenRules(rules)), file),
      );

      await kill(runners, file, JOBS / 4, address);
      await kill(runners.slice(1), file, JOBS / 2, address);
      await until(async () => (await broker.counts()).results === JOBS, 'all jobs have ended');

      const lines = readFileSync(file, 'utf8').trim().split('\n');
      const { peak, processes } = replay(lines, groupOf);
      t.diagnostic(`${lines.length} lines, ${processes} processes, at most ${peak} at one time`);
      assert.equal(peak, most);
      assert.ok(processes > 2, 'several processes took part');
    });
  }
});

/** Kills the first of them that runs a job, once so many have begun. What it ran has ended with it, and its locks run out at once. */
async function kill(runners: readonly Runner[], file: string, begun: number, address: string): Promise<void> {
  const victim = await until(() => {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    if (lines.length < begun) return null;
    const open = openAfter(lines);
    return runners.find(({ child }) => [...open.values()].includes(String(child.pid)));
  }, `${begun} jobs have begun`);
  victim.child.kill('SIGKILL');
  await victim.ended;
  const held = openAfter(readFileSync(file, 'utf8').trim().split('\n'));
  appendFileSync(file, `dead ${victim.child.pid}\n`);
  const ids = [...held].filter(([, pid]) => pid === String(victim.child.pid)).map(([id]) => id);
  await endLocks(address, ids);
}

/** Which jobs run after these lines, and where. */
function openAfter(lines: readonly string[]): Map<string, string> {
  const open = new Map<string, string>();
  for (const line of lines) step(open, line);
  return open;
}

function step(open: Map<string, string>, line: string): void {
  const [what, pid = '', id = ''] = line.split(' ');
  if (what === 'begin') open.set(id, pid);
  if (what === 'end') open.delete(id);
  if (what === 'dead') for (const [each, at] of open) if (at === pid) open.delete(each);
}

function replay(lines: readonly string[], groupOf: Case['groupOf']): { peak: number; processes: number } {
  const open = new Map<string, string>();
  const groups = new Map<string, string>();
  const pids = new Set<string>();
  let peak = 0;
  for (const line of lines) {
    const [what, pid = '', id = '', ...key] = line.split(' ');
    if (what === 'begin') {
      groups.set(id, groupOf(key.join(' ')));
      pids.add(pid);
    }
    step(open, line);
    const counts = new Map<string, number>();
    for (const each of open.keys()) {
      const group = groups.get(each) ?? '';
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    peak = Math.max(peak, ...counts.values());
  }
  return { peak, processes: pids.size };
}
