/** One operation on a server, one fault at one of its commands, one try: prepare a place, strike, let a worker drain the place, judge. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { until, within } from '../../support/conditions.ts';
import { REPOSITORY } from '../../support/project.ts';
import type { Operation, Prepared } from './catalogue.ts';
import { CommandProxy, type CutAt } from './command-proxy.ts';
import type { FaultPlace } from './place.ts';
import { type Evidence, violationsOf } from './verdict.ts';
import { drain, LIVING_LOCK_MS, LOCK_MS, openAt } from './worker.ts';

const VICTIM = join(REPOSITORY, 'test/fault/commands/victim.mjs');
/**
 * How long the process may take to end by itself after its connections were cut, and the place to be drained, ms. Nobody waits so long but where
 * something is broken; a busy machine may need a good part of it.
 */
const LIMIT_MS = 45_000;

export interface Fault {
  readonly nth: number;
  /** The first of which this is true, instead of the n-th. */
  readonly command?: RegExp;
  readonly at: CutAt;
  /** The process is killed at that moment; else it may connect again. */
  readonly isDeadly: boolean;
}

export interface Point {
  readonly operation: Operation;
  readonly fault: Fault;
  /** The command that came there in a run without a fault. */
  readonly command: string;
}

export interface Verdict {
  readonly point: Point;
  /** The command came, and the fault with it. */
  readonly isHit: boolean;
  readonly violations: readonly string[];
}

export function describe({ operation, fault, command }: Point): string {
  return `${operation.name}: ${fault.isDeadly ? 'SIGKILL' : 'cut off'} ${fault.at} ${fault.nth} (${command})`;
}

/** Every fault at every command of the operation, as a run without a fault sends them. */
export async function pointsOf(place: FaultPlace, operation: Operation): Promise<readonly Point[]> {
  const { seen, violations, said } = await tryFault(place, operation, null);
  if (violations.length > 0 || !said.includes('done'))
    throw new Error(`${operation.name} fails without any fault: ${violations.join('; ')} ${said.join('; ')}`);
  return seen.flatMap((command, i) =>
    [true, false].flatMap((isDeadly) =>
      (['before the command', 'before the reply'] as const).map((at) => ({
        operation,
        command,
        fault: { nth: i + 1, at, isDeadly },
      })),
    ),
  );
}

/** A try that could not be made is told as a violation: the campaign goes on with the others. */
export async function tryPoint(place: FaultPlace, point: Point): Promise<Verdict> {
  try {
    const { isHit, violations } = await tryFault(place, point.operation, point.fault);
    return { point, isHit, violations };
  } catch (error) {
    return { point, isHit: false, violations: [`it could not be tried: ${String(error)}`] };
  }
}

let places = 0;

interface Tried {
  readonly seen: readonly string[];
  readonly isHit: boolean;
  readonly said: readonly string[];
  readonly violations: readonly string[];
}

async function tryFault(place: FaultPlace, operation: Operation, fault: Fault | null): Promise<Tried> {
  const address = await place.url(`p${process.pid}x${++places}`);
  const proxy = await CommandProxy.open(await place.port(), place.protocol);
  const planter = await openAt(address);
  const broker = await openAt(address);
  const living = await openAt(address, { lockMs: LIVING_LOCK_MS });
  try {
    const run = await victim(operation, { proxy, address, fault }, { broker: planter, living });
    await place.endLocks(address); // Nobody is there any more who holds one: the worker need not wait for them.
    const evidence = await drained(operation, run, { broker, living });
    return { ...run, violations: await violationsOf(evidence, place, address) };
  } finally {
    proxy.close();
    await planter.close();
    await broker.close();
    await living.close();
  }
}

/** Two at one place: a worker by the first finds locks that ran out soon; those of the other are held for longer. */
interface Brokers {
  readonly broker: Broker;
  readonly living: Broker;
}

interface VictimRun {
  readonly prepared: Prepared;
  readonly seen: readonly string[];
  readonly isHit: boolean;
  readonly said: readonly string[];
  readonly hasEnded: boolean;
  readonly isKilled: boolean;
  /** When its process was gone, Unix ms. */
  readonly goneMs: number;
}

async function victim(
  operation: Operation,
  {
    proxy,
    address,
    fault,
  }: {
    readonly proxy: CommandProxy;
    readonly address: string;
    readonly fault: Fault | null;
  },
  planter: Brokers,
): Promise<VictimRun> {
  const behind = { ...parseBrokerAddress(address), port: proxy.port };
  const child = spawn(process.execPath, [VICTIM, JSON.stringify(behind), operation.does], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, LOCK_MS: String(LOCK_MS) },
  });
  const exit = once(child, 'exit');
  const said = lines(child);
  try {
    await until(() => said().some((line) => line.startsWith('ready')), 'the process under fire is ready');
    const prepared = await operation.prepare(planter.broker, planter.living);
    let isHit = false;
    proxy.count(
      fault === null
        ? null
        : {
            ...fault,
            isForGood: fault.isDeadly,
            act: () => {
              isHit = true;
              if (fault.isDeadly) child.kill('SIGKILL');
            },
          },
    );
    child.stdin?.write(`${JSON.stringify(prepared.input)}\n`);
    const hasEnded = await within(exit, 'the end of the process under fire', LIMIT_MS).then(
      () => true,
      () => false,
    );
    const isKilled = isHit && fault?.isDeadly === true;
    return {
      prepared,
      seen: proxy.seen,
      isHit,
      said: said(),
      hasEnded,
      isKilled,
      goneMs: Date.now(),
    };
  } finally {
    child.stdin?.destroy();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await exit;
    }
  }
}

function lines(child: ChildProcess): () => readonly string[] {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  child.stdin?.on('error', () => undefined); // It was killed.
  return () => text.split('\n').slice(0, -1);
}

async function drained(operation: Operation, run: VictimRun, { broker, living }: Brokers): Promise<Evidence> {
  const { prepared, said, isKilled } = run;
  const sent = (prepared.input['jobs'] ?? []) as readonly {
    readonly job: { readonly id: string };
  }[];
  const fromJobs = Array.isArray(sent) ? sent.map(({ job }) => job.id) : [];
  const accepted = said.filter((line) => line.startsWith('accept ')).map((line) => line.slice('accept '.length));
  for (const queue of await broker.paused()) await broker.resume(queue);
  const owner = said.find((line) => line.startsWith('ready '))?.slice('ready '.length) ?? null;
  const wanted = [...prepared.planted.filter(({ mayGo }) => mayGo !== true).map(({ id }) => id), ...accepted];
  const isOver = async (): Promise<boolean> => {
    const { pending, delayed, running } = await broker.counts();
    if (pending + delayed + running > 0) return false;
    return (await Promise.all(wanted.map((id) => broker.outcome(id)))).every((record) => record !== null);
  };
  const dead = isKilled && operation.isSeenToDie === true ? owner : null;
  const { runs, isDrained } = await drain(broker, {
    dead,
    isOver,
    limitMs: LIMIT_MS,
    living,
  });
  return {
    ...run,
    operation,
    broker,
    runs,
    isDrained,
    wanted,
    ids: [...new Set([...wanted, ...fromJobs])],
  };
}
