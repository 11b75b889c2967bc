/** The places between which jobs move under fire, the jobs that are planted there, and what a look at both ends tells. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type BrokerAddress, parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import { openBullBroker } from '../../../src/bullmq/bull-broker.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job } from '../../support/factory.ts';
import { sendMovableJobs } from '../../support/movable-jobs.ts';
import { placesOf } from '../commands/redis-place.ts';

/** As `openBroker` takes it. */
export type Place = { readonly path: string } | { readonly address: BrokerAddress };
export type Kind = 'spool' | 'redis';

const HOUR_MS = 3_600_000;
const DEBOUNCE = { key: 'D', until: 'started', debounce: { waitMs: HOUR_MS, mostMs: null } } as const;
const QUEUES = ['default', 'mails'];

export interface Planted {
  readonly ids: readonly string[];
  /** By what is special about them. */
  readonly named: Readonly<Record<string, string>>;
  /** They have ended, and a job that waits needs the first. */
  readonly ended: readonly string[];
}

export async function openPlace(place: Place): Promise<Broker> {
  return 'path' in place ? openSpool(place) : openBullBroker(place);
}

/** @param port of the server itself, or of what stands before it */
export function redisPlace(url: string, port: number): Place {
  return { address: { ...parseBrokerAddress(url), port } };
}

/** Jobs of every kind that a move must keep: of a chain, of a chord, debounced, and a schedule and a paused queue. */
export async function plant(broker: Broker): Promise<Planted> {
  const { waiting, ended } = await sendMovableJobs(broker, true);
  const members = [job({ id: broker.nextId(), args: [1] }), job({ id: broker.nextId(), args: [2] })];
  const after = members.map(({ job: { id } }) => id);
  const chord = job({ id: broker.nextId(), options: { after, takes: 'values' } });
  await broker.enqueue([chord, ...members]);
  const debounced = job({ id: broker.nextId(), task: 'debounced', options: { key: DEBOUNCE.key } });
  assert.equal((await broker.enqueueUnique(debounced, DEBOUNCE)).isDuplicate, false);
  await broker.schedules.pass({ schedule: 'nightly', atMs: 2_000, pattern: '0 3 * * *' });
  await broker.pause('slow');
  const [left = '', right = ''] = after;
  const named = { ...waiting, chord: chord.job.id, left, right, debounced: debounced.job.id };
  return { ids: Object.values(named), named, ended };
}

/** Where each job is, as far as it could be run there; one sentence for each that is in no place, or could run in both. */
export async function doubledOrLost(from: Broker, to: Broker, ids: readonly string[]): Promise<readonly string[]> {
  const looks = await Promise.all(ids.map(async (id) => ({ id, here: await from.find(id), there: await to.find(id) })));
  const runnable = await Promise.all([from, to].map(async (place) => new Set(await readyIn(place))));
  return looks.flatMap(({ id, here, there }) => {
    if (here === null && there === null) return [`${id} is nowhere`];
    return runnable.every((place) => place.has(id)) ? [`${id} could run in both`] : [];
  });
}

async function readyIn(broker: Broker): Promise<readonly string[]> {
  return (await broker.unended()).flatMap(({ id, state }) => (state === 'delayed' ? [] : [id]));
}

/** The keys, the schedule and the pause are at the destination. Sends jobs: asked last. */
export async function besideJobs(from: Broker, to: Broker, { named }: Planted): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const [task, key, uniqueness] of [
    ['unique', 'K', { key: 'K', until: 'ended' }],
    ['timed', 'K', { key: 'K', until: { ms: HOUR_MS } }],
    ['debounced', 'D', DEBOUNCE],
  ] as const) {
    const rival = (place: Broker): ReturnType<typeof job> => job({ id: place.nextId(), task, options: { key } });
    const there = await to.enqueueUnique(rival(to), uniqueness);
    if (there.id !== named[task]) broken.push(`the key of ${task} is free where the job is`);
    // One that is held for a time is held for that time, wherever its job is.
    if (task === 'timed') continue;
    const here = await from.enqueueUnique(rival(from), uniqueness);
    if (here.isDuplicate) broken.push(`the key of ${task} is held where the job was, by ${here.id}`);
    await from.revoke([here.id]);
  }
  const { doneMs } = await to.schedules.find('nightly');
  if (doneMs !== 2_000) broken.push(`the schedule stands at ${doneMs}`);
  if (!(await to.paused()).includes('slow')) broken.push('the queue is not paused');
  return broken;
}

/** What a move that has ended has left at one end. */
export async function leftAt(place: Place, ids: readonly string[]): Promise<readonly string[]> {
  if ('path' in place) {
    const moving = join(place.path, 'moving');
    return existsSync(moving) ? [`moving/ holds ${readdirSync(moving).join(', ')}`] : [];
  }
  return withRedis(place, async (redis, prefix) => {
    const own = ['moving', 'moves', 'mover'].map((name) => `${prefix}-fsq:${name}`);
    const there = await Promise.all(
      own.map(async (key) => ((await redis.exists(key)) === 1 ? [`${key} is left`] : [])),
    );
    const odd = await Promise.all(
      QUEUES.flatMap((queue) => ids.map((id) => placesOf(redis, `${prefix}:${queue}:`, id))),
    );
    return [...there.flat(), ...odd.flat()];
  });
}

/** So much time has passed that a process which has died keeps nobody out. */
export async function endLease(place: Place): Promise<void> {
  if ('address' in place)
    await withRedis(place, async (redis, prefix) => void (await redis.del(`${prefix}-fsq:mover`)));
}

async function withRedis<T>(
  { address }: { readonly address: BrokerAddress },
  act: (redis: Redis, prefix: string) => Promise<T>,
): Promise<T> {
  if (address.kind !== 'redis') throw new Error('Expected a Redis.');
  const redis = new Redis({ host: address.host, port: address.port });
  try {
    return await act(redis, address.prefix);
  } finally {
    redis.disconnect();
  }
}
