/** fsq's own facts, and its looks at BullMQ's jobs, in Redis: one key or hash for each, under `<prefix>-fsq:`. */
import type { JobJson } from 'bullmq';
import type { Redis } from 'ioredis';
import type { LimitStore } from '../limits/limit-store.ts';
import type {
  ClaimCounts,
  EndedJob,
  EndedPlace,
  EndedRange,
  Fact,
  FieldsPage,
  FieldValue,
  Heads,
  HeldJob,
  LogAppended,
  LogRoom,
  News,
  Page,
  Place,
  RawJob,
  Store,
} from '../store.ts';
import type { MoveStore } from '../moving/move-store.ts';
import { READY_MS } from '../moving/moved-jobs.ts';
import { heldBackIn, RedisLimits } from './redis-limits.ts';
import { redisMoves } from './redis-moves.ts';
import { quoted, rawJob, readHeads, readNews, readPage, rowsOf } from './redis-looks.ts';
import { forgetEnded, readEndedAs, readEndedBy, readStages, renewWaiting, sendWithFact } from './redis-ended.ts';
import { RedisTopics } from './wire/redis-topics.ts';
import { type ScriptName, SCRIPTS } from './scripts.ts';

/** Lines of a log that are read at a time; each is some KB at most. */
const LOG_LINES = 500;
/** Keys that Redis looks at before others have their turn. */
const SCAN_COUNT = 5_000;

/** The field of a job's hash; it goes with the job. */
const CHECKPOINT = 'fsqCheckpoint';

export class RedisStore implements Store {
  readonly kind = 'redis';
  readonly limits: LimitStore;
  readonly moves: MoveStore;
  readonly #client: Redis;
  readonly #prefix: string;
  readonly #topics: RedisTopics;

  /**
   * @param client the connection of the queues: what is sent on it is done in the order in which it was sent
   * @param listener one more, for subscriptions
   */
  constructor(client: Redis, prefix: string, listener: Redis) {
    this.#client = client;
    this.#prefix = prefix;
    this.moves = redisMoves(client, prefix, READY_MS);
    this.limits = new RedisLimits(client, prefix);
    this.#topics = new RedisTopics(client, listener, (topic) => this.key(topic));
    for (const [name, lua] of Object.entries(SCRIPTS))
      if (!(name in client)) client.defineCommand(name, { numberOfKeys: 0, lua });
  }

  async look(ids: readonly string[], queues: readonly string[]): Promise<readonly (RawJob | null)[]> {
    if (ids.length === 0 || queues.length === 0) return ids.map(() => null);
    const found = await this.#run('fsqLook', this.#prefix, queues.length, ...queues, ...ids);
    const rows: readonly unknown[] = Array.isArray(found) ? found : [];
    return ids.map((id, i) => rawJob(id, rows[i]));
  }

  async giveBack(at: HeldJob, tail: string | null): Promise<boolean> {
    return (await this.#run('fsqGiveBack', this.#base(at), at.id, at.token, tail ?? '')) === 1;
  }

  async mendHeld(at: HeldJob, { claims, stalls }: ClaimCounts, lockMs: number): Promise<'held' | 'moved' | null> {
    const what = await this.#run('fsqMendHeld', this.#base(at), at.id, at.token, claims, stalls, lockMs);
    return what === 'held' || what === 'moved' ? what : null;
  }

  async endWaiting(at: Place, tail: string, reason: string): Promise<'ended' | 'running' | 'over' | null> {
    const what = await this.#run('fsqEndWaiting', this.#base(at), at.id, tail, reason, Date.now());
    return what === 'ended' || what === 'running' || what === 'over' ? what : null;
  }

  stages(ids: readonly string[], queues: readonly string[]): Promise<readonly ('open' | 'ended' | null)[]> {
    return readStages(this.#script, this.#prefix, ids, queues);
  }

  async sendBack(...[at, tail, dueAtMs, call]: Parameters<Store['sendBack']>): Promise<boolean> {
    return (await this.#run('fsqSendBack', this.#base(at), at.id, at.finishedOn, tail, dueAtMs ?? 0, call)) === 1;
  }

  sendIf({ table, ...fact }: Fact, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean> {
    return sendWithFact(this.#script, this.key(table), fact, this.#base({ queue }), job, dueAtMs);
  }

  renew(at: Place, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean> {
    const held = this.key(heldBackIn(at.queue));
    return renewWaiting(this.#script, this.#base(at), held, this.#base({ queue }), job, dueAtMs);
  }

  endedBy(range: EndedRange): Promise<readonly EndedJob[]> {
    return readEndedBy(this.#script, (at) => this.#base(at), range);
  }

  endedAs(places: readonly Place[]): Promise<readonly EndedJob[]> {
    return readEndedAs(this.#script, (at) => this.#base(at), places);
  }

  forget(queue: string, ended: readonly Omit<EndedPlace, 'queue'>[]): Promise<readonly string[]> {
    return forgetEnded(this.#script, this.#base({ queue }), ended);
  }

  async held(queues: readonly string[], owners: readonly string[]): Promise<readonly HeldJob[]> {
    if (queues.length === 0 || owners.length === 0) return [];
    const found = await this.#run('fsqHeld', this.#prefix, queues.length, ...queues, ...owners);
    const rows: readonly unknown[] = Array.isArray(found) ? found : [];
    return rows.flatMap((row) => {
      const [queue, id, token] = Array.isArray(row) ? (row as readonly unknown[]) : [];
      return [{ queue: String(queue), id: String(id), token: String(token) }];
    });
  }

  page(queue: string, state: RawJob['state'], after: string | null, count: number): Promise<Page> {
    return readPage(this.#script, this.#prefix, { queue, state, after, count });
  }

  heads(queues: readonly string[]): Promise<readonly Heads[]> {
    return readHeads(this.#script, this.#prefix, queues);
  }

  news(queues: readonly string[], position: string | null): Promise<News> {
    return readNews(this.#script, this.#prefix, queues, position);
  }

  /** No set has the ids in their order: all keys of the database are looked through. */
  async idsByPrefix(prefix: string, queues: readonly string[], limit: number): Promise<readonly string[]> {
    const bases = queues.map((queue) => this.#base({ queue }));
    const pattern = `${quoted(this.#prefix)}:*:${quoted(prefix)}*`;
    const found = new Set<string>();
    for (let cursor = '0', isOver = false; !isOver && found.size < limit;) {
      const [next, keys] = await this.#client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT, 'TYPE', 'hash');
      for (const key of keys) {
        const id = key.slice(key.lastIndexOf(':') + 1);
        if (id.startsWith(prefix) && bases.includes(key.slice(0, -id.length)) && found.size < limit) found.add(id);
      }
      [cursor, isOver] = [next, next === '0'];
    }
    // BullMQ has keys of its own beside those of the jobs.
    const ids = [...found];
    const jobs = await this.look(ids, queues);
    return ids.filter((_id, i) => jobs[i] !== null);
  }

  async keepReport(at: Place, token: string, report: string, percent: number | null): Promise<boolean> {
    return (await this.#run('fsqKeepReport', this.#base(at), at.id, token, report, percent ?? '')) === 1;
  }

  async keepCheckpoint(at: Place, token: string, text: string): Promise<boolean> {
    return (await this.#run('fsqKeepCheckpoint', this.#base(at), at.id, token, text)) === 1;
  }

  checkpoint(at: Place): Promise<string | null> {
    return this.#client.hget(`${this.#base(at)}${at.id}`, CHECKPOINT);
  }

  async dropCheckpoint(at: Place): Promise<void> {
    await this.#client.hdel(`${this.#base(at)}${at.id}`, CHECKPOINT);
  }

  async appendLog(at: Place, lines: readonly string[], room: LogRoom): Promise<LogAppended> {
    const { mostBytes, clearAboveBytes } = room;
    const came = await this.#run('fsqAppendLog', this.#base(at), at.id, mostBytes, clearAboveBytes ?? -1, ...lines);
    const [taken, sizeBytes, clearedBytes] = rowsOf(came).map(Number);
    return { taken: taken ?? 0, sizeBytes: sizeBytes ?? 0, clearedBytes: clearedBytes ?? 0 };
  }

  async log(at: Place, from: number): Promise<{ readonly lines: readonly string[]; readonly from: number }> {
    const key = `${this.#base(at)}${at.id}:logs`;
    const there = from === 0 ? 0 : await this.#client.llen(key);
    const first = from > there ? 0 : from;
    return { lines: await this.#client.lrange(key, first, first + LOG_LINES - 1), from: first };
  }

  async get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return keys.length === 0 ? [] : this.#client.mget(keys.map((key) => this.key(key)));
  }

  async set(...[key, value, { ifAbsent = false, ttlMs } = {}]: Parameters<Store['set']>): Promise<boolean> {
    const args = [
      ...(ttlMs === undefined ? [] : ['PX', String(Math.max(1, Math.round(ttlMs)))]),
      ...(ifAbsent ? ['NX'] : []),
    ];
    return (await this.#client.call('SET', this.key(key), value, ...args)) === 'OK';
  }

  async swap(key: string, before: string | null, after: string | null): Promise<boolean> {
    return (await this.#run('fsqSwap', this.key(key), ...maybe(before), ...maybe(after))) === 1;
  }

  async remove(keys: readonly string[]): Promise<number> {
    return keys.length === 0 ? 0 : this.#client.del(keys.map((key) => this.key(key)));
  }

  async fields(table: string): Promise<ReadonlyMap<string, string>> {
    return new Map(Object.entries(await this.#client.hgetall(this.key(table))));
  }

  async someFields(table: string, after: string | null, count: number): Promise<FieldsPage> {
    const [next, found] = await this.#client.hscan(this.key(table), after ?? '0', 'COUNT', count);
    const names = found.filter((_, i) => i % 2 === 0);
    return {
      fields: new Map(names.map((name, i) => [name, found[2 * i + 1] ?? ''])),
      next: next === '0' ? null : next,
    };
  }

  field(table: string, field: string): Promise<string | null> {
    return this.#client.hget(this.key(table), field);
  }

  async setField(...[table, field, value, { ifAbsent = false } = {}]: Parameters<Store['setField']>): Promise<boolean> {
    const key = this.key(table);
    if (ifAbsent) return (await this.#client.hsetnx(key, field, value)) === 1;
    await this.#client.hset(key, field, value);
    return true;
  }

  async swapField(table: string, field: string, before: string | null, after: string | null): Promise<boolean> {
    return (await this.#run('fsqSwapField', this.key(table), field, ...maybe(before), ...maybe(after))) === 1;
  }

  async mergeFields(table: string, from: FieldValue, to: FieldValue): Promise<boolean> {
    const key = this.key(table);
    return (await this.#run('fsqMergeFields', key, from.field, from.value, to.field, to.value)) === 1;
  }

  async removeFields(table: string, fields: readonly string[]): Promise<number> {
    return fields.length === 0 ? 0 : this.#client.hdel(this.key(table), ...fields);
  }

  publish(topic: string, text: string): void {
    this.#topics.publish(topic, text);
  }

  subscribe(topic: string, hear: (text: string) => void): Promise<() => void> {
    return this.#topics.subscribe(topic, hear);
  }

  async clockMs(): Promise<number> {
    const [seconds, micros] = await this.#client.time();
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  async close(): Promise<void> {
    this.#topics.close();
  }

  /** Of one of fsq's facts. */
  key(name: string): string {
    return `${this.#prefix}-fsq:${name}`;
  }

  readonly #script = (name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> =>
    this.#run(name, ...args);

  #base({ queue }: Pick<Place, 'queue'>): string {
    return `${this.#prefix}:${queue}:`;
  }

  #run(name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    const script = (this.#client as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof script !== 'function') throw new Error(`The script ${name} is not defined.`);
    return (script as (...given: (string | number)[]) => Promise<unknown>).apply(this.#client, [...args]);
  }
}

function maybe(text: string | null): readonly [string, string] {
  return text === null ? ['0', ''] : ['1', text];
}
