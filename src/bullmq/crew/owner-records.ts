/**
 * Owners: the processes that run jobs, each with a record in one table that it renews. One whose record is too old is dead, by the clock of the
 * datastore: those of machines differ.
 */
import type { OwnerInfo } from '../../broker/broker.ts';
import type { Pulse } from '../../broker/common/owner-info.ts';
import { parseCount } from '../../broker/figures/histogram.ts';
import { readRestarts, type Restarts } from '../../broker/common/restarts.ts';
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
/** How much later than that a record may be written without anything being wrong, ms. */
const SILENT_MS = 1_000;
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
  readonly restarts?: Restarts;
}

/** A record that is renewed until it is withdrawn. */
interface Beat {
  about: About;
  readonly startedAtMs: number;
  readonly timer: NodeJS.Timeout;
  /** When it was last due, by performance.now(), and how late the process was for it: that much its event loop did not turn. */
  dueAt: number;
  delayMs: number;
}

const beats = new WeakMap<Store, Map<string, Beat>>();

/** Tells of this process, from now on until `withdraw`. */
export async function announce(engine: Engine, owner: string, about: About): Promise<void> {
  const mine = beats.get(engine.store) ?? new Map<string, Beat>();
  beats.set(engine.store, mine);
  const beat: Beat = {
    about,
    startedAtMs: engine.nowMs(),
    timer: setInterval(() => {
      const now = performance.now();
      beat.delayMs = Math.max(0, Math.round(now - beat.dueAt - BEAT_MS));
      beat.dueAt = now;
      // One that fails is followed by the next one.
      void write(engine, owner).catch(() => undefined);
    }, BEAT_MS).unref(),
    dueAt: performance.now(),
    delayMs: 0,
  };
  mine.set(owner, beat);
  try {
    await write(engine, owner);
  } catch (error) {
    stopBeat(engine, owner);
    throw error;
  }
}

/** Tells something else of this process at once, unless that is withdrawn. Where the datastore fails the next beat tells it. */
export async function tellAnew(engine: Engine, owner: string, change: (about: About) => About): Promise<void> {
  const beat = beats.get(engine.store)?.get(owner);
  if (beat === undefined) return;
  beat.about = change(beat.about);
  await write(engine, owner);
}

async function write(engine: Engine, owner: string): Promise<void> {
  const seenAtMs = await engine.store.clockMs();
  // It may have been withdrawn meanwhile.
  const beat = beats.get(engine.store)?.get(owner);
  if (beat !== undefined) await engine.store.setField(OWNERS, owner, textOf(beat, seenAtMs));
}

function textOf({ about, startedAtMs, delayMs }: Beat, seenAtMs: number): string {
  const { limits, sending, slots = 1, parent = null, ...rest } = about;
  return JSON.stringify({
    pid: process.pid,
    host: process.getBuiltinModule('node:os').hostname(),
    startedAtMs,
    slots,
    parent,
    ...(VERSION === null ? {} : { version: VERSION }),
    ...rest,
    ...(limits === undefined || !hasRules(limits) ? {} : { limits: writtenRules(limits) }),
    ...(sending === undefined || sending.size === 0 ? {} : { sending: [...sending] }),
    delayMs,
    memoryBytes: process.memoryUsage.rss(),
    seenAtMs,
  });
}

function stopBeat({ store }: Engine, owner: string): void {
  clearInterval(beats.get(store)?.get(owner)?.timer);
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
  return withChildren(found).toSorted((a, b) => a.startedAtMs - b.startedAtMs);
}

/**
 * A child whose task blocks its event loop renews no record. While its worker lives that is no proof of anything: the worker removes the records
 * of children that have ended. Pure.
 */
function withChildren(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const living = new Set(owners.filter(({ verdict }) => verdict === 'alive').map(({ owner }) => owner));
  return owners.map((one) => (one.parent !== null && living.has(one.parent) ? { ...one, verdict: 'alive' } : one));
}

/** Of a process whose record was renewed so long ago, and that was late for it by so much then; null where it does not say. */
function pulseOf(agoMs: number, delayMs: unknown): Pulse | null {
  const silentMs = agoMs - BEAT_MS;
  if (silentMs > SILENT_MS) return { delayMs: silentMs, isBlocked: true };
  const told = parseCount(delayMs);
  return told === null ? null : { delayMs: told, isBlocked: false };
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
  const restarts = readRestarts(value['restarts']);
  const agoMs = nowMs - seenAtMs;
  const pulse = pulseOf(agoMs, value['delayMs']);
  const memoryBytes = parseCount(value['memoryBytes']);
  return {
    owner,
    pid,
    ...(typeof host === 'string' ? { host } : {}),
    parent: typeof parent === 'string' ? parent : null,
    role,
    startedAtMs,
    verdict: agoMs > DEAD_AFTER_MS ? 'dead' : 'alive',
    queues: Array.isArray(queues) ? queues.filter((queue): queue is string => typeof queue === 'string') : null,
    tasks: Array.isArray(tasks) ? tasks.filter((task): task is string => typeof task === 'string') : [],
    slots: typeof slots === 'number' ? slots : 1,
    ...(typeof version === 'string' ? { version } : {}),
    ...(sending === undefined ? {} : { sending: readSendingOfTasks(sending) }),
    ...(limits === undefined ? {} : { limits: readRules(limits) }),
    ...(restarts === null ? {} : { restarts }),
    ...(pulse === null ? {} : { pulse }),
    ...(memoryBytes === null ? {} : { memoryBytes }),
  };
}
