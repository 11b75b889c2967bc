/** Whether fsq kept its word at one point: what the process under fire said, held against what Redis has in the end. */
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { JobRecord } from '../../../src/job/job.ts';
import type { Operation, Prepared } from './catalogue.ts';
import { openAt, type Run } from './worker.ts';

export interface Evidence {
  readonly operation: Operation;
  readonly prepared: Prepared;
  readonly broker: Broker;
  /** What the process under fire said, line by line. */
  readonly said: readonly string[];
  readonly hasEnded: boolean;
  readonly isKilled: boolean;
  /** What the worker ran after it. */
  readonly runs: readonly Run[];
  readonly isDrained: boolean;
  /** Jobs that must have an outcome. */
  readonly wanted: readonly string[];
  /** All jobs that there may be. */
  readonly ids: readonly string[];
}

/** After so long nothing counts as alive that was there under fire. */
const MUCH_LATER_MS = 120_000;
/** Facts of fsq that are to stay. */
const LASTING = /-fsq:(?:queues|round:.*|statistics.*|schedule.*|outcome.*|ended.*)$/;

/** Every broken promise, one sentence each; [] when all were kept. */
export async function violationsOf(evidence: Evidence, address: string): Promise<readonly string[]> {
  const { broker, wanted, ids, hasEnded, isDrained, said } = evidence;
  const broken: string[] = [];
  if (!hasEnded) broken.push('the process does not end');
  if (!isDrained) broken.push(`not drained: ${JSON.stringify(await Promise.all(ids.map((id) => broker.find(id))))}`);
  for (const id of ids) {
    const record = await broker.outcome(id);
    if (record !== null) broken.push(...outcomeOf(id, record, evidence));
    else if (wanted.includes(id)) broken.push(`${id} has no outcome`);
  }
  broken.push(...said.filter((line) => line.startsWith('failed untyped')));
  if (!evidence.isKilled) broken.push(...said.filter((line) => line.startsWith('failed') && !/uncertain/i.test(line)));
  return [...broken, ...(await leftIn(address, evidence))];
}

function outcomeOf(id: string, record: JobRecord, evidence: Evidence): readonly string[] {
  const { prepared, said, runs } = evidence;
  const { outcome } = record;
  const broken: string[] = [];
  const planted = prepared.planted.find((one) => one.id === id);
  const state = outcome?.state ?? 'none';
  if (!(planted?.ends ?? ['succeeded']).includes(state)) broken.push(`${id} ends as ${state}`);
  const ran = runs.filter((run) => run.id === id);
  if (ran.length > 1) broken.push(`${id} ran ${ran.length} times after the fault`);
  const isByDrain = ran.length === 1;
  const value = isByDrain ? { by: 'drain', args: record.job.args } : { by: 'op' };
  if (outcome?.state === 'succeeded' && !isDeepStrictEqual(outcome.value, value))
    broken.push(`${id} has the value ${JSON.stringify(outcome.value)}`);
  if (said.includes(`settled ${id}`) && kindOf(prepared) === 'publish' && isByDrain)
    broken.push(`${id} ran after it was settled`);
  if (said.some((line) => line.startsWith(`answer ${id} re`)) && state !== 'revoked')
    broken.push(`${id} was revoked and ends as ${state}`);
  broken.push(...deathOf(id, ran[0]?.attempt, evidence));
  if (said.includes(`answer ${id} back`) && !isByDrain) broken.push(`${id} was sent back and did not run`);
  if (said.includes(`answer ${id} forgotten`)) broken.push(`${id} was forgotten and is there`);
  const numbers = record.attempts.map(({ attempt }) => attempt);
  if (numbers.some((attempt, i) => attempt <= (numbers[i - 1] ?? 0)))
    broken.push(`${id} has the attempts ${numbers.join(' ')}`);
  const begun = ran[0]?.attempt;
  if (begun !== undefined && numbers.at(-1) !== begun)
    broken.push(`${id} ran attempt ${begun}, told: ${numbers.join(' ')}`);
  return broken;
}

/** A run whose process dies is counted, as one that ends is. */
function deathOf(id: string, next: number | undefined, { said, isKilled, prepared }: Evidence): readonly string[] {
  const begun = Number(said.find((line) => line.startsWith(`run ${id} `))?.split(' ')[2]);
  if (!isKilled || next === undefined || Number.isNaN(begun) || kindOf(prepared) === 'park') return [];
  return next === begun + 1 ? [] : [`${id} lost attempt ${begun}, and runs as attempt ${next} after it`];
}

function kindOf({ input }: Prepared): string {
  return (input as { readonly settlement?: { readonly kind: string } }).settlement?.kind ?? 'publish';
}

/** What is left behind after a round of tidying. */
async function leftIn(text: string, { ids }: Evidence): Promise<readonly string[]> {
  const address = parseBrokerAddress(text);
  if (address.kind !== 'redis') throw new Error('Expected a Redis.');
  const later = await openAt(text, { aheadMs: MUCH_LATER_MS });
  const redis = new Redis({ host: address.host, port: address.port });
  try {
    await makeOld(redis, address.prefix);
    await later.tidy();
    const own = (await redis.keys(`${address.prefix}-fsq:*`)).filter((key) => !LASTING.test(key));
    const left = await Promise.all(own.map(async (key) => `${key} is left: ${await shown(redis, key)}`));
    for (const queue of ['default', 'other']) {
      const base = `${address.prefix}:${queue}:`;
      for (const key of await redis.keys(`${base}*:lock`)) left.push(`${key} is left`);
      for (const id of ids) left.push(...(await placesOf(redis, base, id)));
    }
    return left;
  } finally {
    redis.disconnect();
    await later.close();
  }
}

/** What goes by the clock of the server was written much earlier. */
async function makeOld(redis: Redis, prefix: string): Promise<void> {
  for (const [owner, text] of Object.entries(await redis.hgetall(`${prefix}-fsq:owners`))) {
    const record = JSON.parse(text) as { readonly seenAtMs: number };
    const old = { ...record, seenAtMs: record.seenAtMs - MUCH_LATER_MS };
    await redis.hset(`${prefix}-fsq:owners`, owner, JSON.stringify(old));
  }
  for (const [id, entry] of Object.entries(await redis.hgetall(`${prefix}-fsq:waiting`))) {
    const [predecessor, queue, sinceMs] = entry.split(' ');
    await redis.hset(`${prefix}-fsq:waiting`, id, `${predecessor} ${queue} ${Number(sinceMs) - MUCH_LATER_MS}`);
  }
}

/** A job that is there is in one place. */
async function placesOf(redis: Redis, base: string, id: string): Promise<readonly string[]> {
  const places: string[] = [];
  for (const list of ['wait', 'active', 'paused'])
    for (const one of await redis.lrange(`${base}${list}`, 0, -1)) if (one === id) places.push(list);
  for (const set of ['delayed', 'prioritized', 'completed', 'failed', 'waiting-children'])
    if ((await redis.zscore(`${base}${set}`, id)) !== null) places.push(set);
  const most = (await redis.exists(`${base}${id}`)) === 1 ? 1 : 0;
  return places.length === most ? [] : [`${id} is in ${places.join(' and ') || 'no place'} of ${base}`];
}

async function shown(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key));
  return type === 'string' ? String(await redis.get(key)) : type;
}
