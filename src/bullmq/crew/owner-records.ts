/**
 * Owners: the processes that run jobs, each with a record in one table that it renews. One whose record is too old is dead, by the clock of the
 * datastore: those of machines differ.
 */
import type { OwnerInfo } from '../../broker/broker.ts';
import { VERSION } from '../../broker/late-code.ts';
import { readSendingOfTasks, type SendingOfTasks } from '../../broker/task-sending.ts';
import { hasRules, type LimitRules, readRules, writtenRules } from '../../job/queue-limits.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';
import { tokensOf } from '../jobs/tokens.ts';
import type { Store } from '../store.ts';

export const OWNERS = 'owners';

/** How often a record is renewed, ms. */
export const BEAT_MS = 5_000;
/** One that was not renewed for so long is of a process that is dead, or cut off: its locks have run out too. */
const DEAD_AFTER_MS = 30_000;

/** What a process tells of itself. */
export interface About {
  readonly role: OwnerInfo['role'];
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  readonly slots?: number;
  readonly parent?: string | null;
  readonly limits?: LimitRules | undefined;
  readonly sending?: SendingOfTasks | undefined;
}

/** Renews a record until it is withdrawn. */
const beats = new WeakMap<Store, Map<string, NodeJS.Timeout>>();

/** Tells of this process, from now on until `withdraw`. */
export async function announce(engine: Engine, owner: string, about: About): Promise<void> {
  const { limits, sending, slots = 1, parent = null, ...rest } = about;
  const written = {
    pid: process.pid,
    host: process.getBuiltinModule('node:os').hostname(),
    startedAtMs: engine.nowMs(),
    slots,
    parent,
    ...(VERSION === null ? {} : { version: VERSION }),
    ...rest,
    ...(limits === undefined || !hasRules(limits) ? {} : { limits: writtenRules(limits) }),
    ...(sending === undefined || sending.size === 0 ? {} : { sending: [...sending] }),
  };
  const mine = beats.get(engine.store) ?? new Map<string, NodeJS.Timeout>();
  beats.set(engine.store, mine);
  const before = mine.get(owner);
  const write = async (): Promise<void> => {
    const seenAtMs = await engine.store.clockMs();
    // It may have been withdrawn meanwhile, or tell something else.
    if (mine.get(owner) === beat) await engine.store.setField(OWNERS, owner, JSON.stringify({ ...written, seenAtMs }));
  };
  // A beat that fails is followed by the next one.
  const beat = setInterval(() => void write().catch(() => undefined), BEAT_MS).unref();
  clearInterval(before);
  mine.set(owner, beat);
  try {
    await write();
  } catch (error) {
    if (before === undefined && mine.get(owner) === beat) stopBeat(engine, owner);
    throw error;
  }
}

function stopBeat({ store }: Engine, owner: string): void {
  clearInterval(beats.get(store)?.get(owner));
  beats.get(store)?.delete(owner);
}

/** This process has ended in order. */
export async function withdraw(engine: Engine, owner: string): Promise<void> {
  stopBeat(engine, owner);
  await engine.store.removeFields(OWNERS, [owner]);
}

export async function listOwners({ store }: Engine): Promise<readonly OwnerInfo[]> {
  const [records, nowMs] = await Promise.all([store.fields(OWNERS), store.clockMs()]);
  const found = [...records].flatMap(([owner, text]) => parseOwner(owner, text, nowMs) ?? []);
  return found.sort((a, b) => a.startedAtMs - b.startedAtMs);
}

/**
 * Removes the records of processes that are dead and hold no job any more: what one held is sent back first, when its lock has run out.
 *
 * @returns how many have gone, or would go; how many dead ones stay, and the jobs that they hold
 */
export async function tidyOwners(
  engine: Engine,
  dryRun: boolean,
): Promise<{ readonly gone: number; readonly left: { readonly owners: number; readonly jobs: number } }> {
  const { store, queues } = engine;
  const [records, nowMs] = await Promise.all([store.fields(OWNERS), store.clockMs()]);
  const dead = [...records].filter(([owner, text]) => parseOwner(owner, text, nowMs)?.verdict !== 'alive');
  const all = dead.length === 0 ? [] : await queues.all();
  let gone = 0;
  let jobs = 0;
  for (const [owner, text] of dead) {
    const held = await store.held(all, [tokensOf(owner)]);
    jobs += held.length;
    // One that stood still, and goes on, has renewed it.
    if (held.length === 0 && (dryRun || (await store.swapField(OWNERS, owner, text, null)))) gone++;
  }
  return { gone, left: { owners: dead.length - gone, jobs } };
}

/** Null when it is no record of an owner. */
function parseOwner(owner: string, text: string, nowMs: number): OwnerInfo | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { pid, host, parent, role, startedAtMs, seenAtMs, queues, tasks, slots, limits, sending, version } = value;
  const isRole = role === 'child' || role === 'supervisor' || role === 'consumer';
  if (typeof pid !== 'number' || !isRole || typeof startedAtMs !== 'number' || typeof seenAtMs !== 'number')
    return null;
  return {
    owner,
    pid,
    ...(typeof host === 'string' ? { host } : {}),
    parent: typeof parent === 'string' ? parent : null,
    role,
    startedAtMs,
    verdict: nowMs - seenAtMs > DEAD_AFTER_MS ? 'dead' : 'alive',
    queues: Array.isArray(queues) ? queues.filter((queue): queue is string => typeof queue === 'string') : null,
    tasks: Array.isArray(tasks) ? tasks.filter((task): task is string => typeof task === 'string') : [],
    slots: typeof slots === 'number' ? slots : 1,
    ...(typeof version === 'string' ? { version } : {}),
    ...(sending === undefined ? {} : { sending: readSendingOfTasks(sending) }),
    ...(limits === undefined ? {} : { limits: readRules(limits) }),
  };
}
