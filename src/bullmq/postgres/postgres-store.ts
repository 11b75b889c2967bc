/** fsq's own facts, and its looks at BullMQ's jobs, in PostgreSQL: tables in the schema of BullMQ's. */
import type { JobJson } from 'bullmq';
import type { JsonValue } from '../../job/values/json.ts';
import type { EndingJob } from '../engine.ts';
import type { LimitStore } from '../limits/limit-store.ts';
import type { MoveStore } from '../moving/move-store.ts';
import { READY_MS } from '../moving/moved-jobs.ts';
import type {
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
import { moved } from './wire/exact-backend.ts';
import { exactText, shownText, storableText, storableValue } from './wire/exact-json.ts';
import { InOrder } from './wire/in-order.ts';
import type { Listener } from './wire/listener.ts';
import * as beside from './postgres-beside.ts';
import {
  forgetEnded,
  readEndedAs,
  readEndedBy,
  readStages,
  renewWaiting,
  sendBack,
  sendWithFact,
} from './postgres-ended.ts';
import { readHeads, readIds, readNews, readPage } from './postgres-looks.ts';
import { PostgresLimits } from './postgres-limits.ts';
import { postgresMoves } from './postgres-moves.ts';
import { Publisher } from './wire/publisher.ts';
import { LOOK, rawJob } from './raw-rows.ts';
import type { Sql } from './schema.ts';
import * as statements from './statements.ts';

/** How often, on average, what has outlived its time is removed when something with a time is written. */
const SWEEP_EVERY = 100;
/** How often a job that has just moved is looked at again before it is taken for moving. */
const TRIES = 10;

export class PostgresStore implements Store {
  readonly kind = 'postgres';
  readonly limits: LimitStore;
  readonly moves: MoveStore;
  readonly #sql: Sql;
  readonly #publisher: Publisher;
  readonly #beside = new InOrder();

  /** @param schema in which the tables are: others of the database hear nothing of it */
  constructor(sql: Sql, schema: string, listener: Listener) {
    this.#sql = sql;
    this.limits = new PostgresLimits(sql);
    this.moves = postgresMoves(sql, READY_MS);
    this.#publisher = new Publisher(sql, schema, listener);
  }

  async look(ids: readonly string[], queues: readonly string[]): Promise<readonly (RawJob | null)[]> {
    if (ids.length === 0 || queues.length === 0) return ids.map(() => null);
    const found = new Map<string, RawJob>();
    for (const row of await this.#sql(LOOK, [queues, ids])) {
      const raw = rawJob(row);
      const before = found.get(raw.id);
      if (before === undefined || queues.indexOf(raw.queue) < queues.indexOf(before.queue)) found.set(raw.id, raw);
    }
    return ids.map((id) => found.get(id) ?? null);
  }

  async giveBack({ queue, id, token }: HeldJob, tail: string | null): Promise<boolean> {
    const values = [queue, id, token, tail === null ? null : storableText(tail)];
    return (await this.#sql(statements.GIVE_BACK, values)).length > 0;
  }

  /** Ends a held job. @returns whether there is anything in `table` @throws an error with BullMQ's code where it is not held under this lock */
  async complete(held: EndingJob, value: JsonValue | undefined, tail: string, table: string): Promise<boolean> {
    const { queue, id, token, claims } = held;
    const { json, exact } = storableValue(value);
    const values = [queue, id, token, json, Date.now(), storableText(tail), claims, exact, storableText(table)];
    return (await moved(this.#sql, statements.COMPLETE, values))[0]?.['there'] === true;
  }

  async endWaiting({ queue, id }: Place, tail: string, reason: string): Promise<'ended' | 'running' | 'over' | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      const values = [queue, id, storableText(tail), shownText(reason), Date.now()];
      if ((await this.#sql(statements.END_WAITING, values)).length > 0) return 'ended';
      const [row] = await this.#sql(statements.STATE, [queue, id]);
      if (row === undefined) return null;
      // Of one on its way to another place the flag is told there.
      if (row['state'] === 'active' || row['moves'] === true) return 'running';
      if (row['state'] === 'completed' || row['state'] === 'failed') return 'over';
    }
    return 'running'; // It comes and goes: those who take it are told.
  }

  async held(queues: readonly string[], owners: readonly string[]): Promise<readonly HeldJob[]> {
    if (queues.length === 0 || owners.length === 0) return [];
    const rows = await this.#sql(statements.HELD, [queues, owners]);
    return rows.map(({ queue, id, token }) => ({ queue: String(queue), id: String(id), token: String(token) }));
  }

  stages(ids: readonly string[], queues: readonly string[]): Promise<readonly ('open' | 'ended' | null)[]> {
    return readStages(this.#sql, ids, queues);
  }

  sendBack(at: EndedPlace, tail: string, dueAtMs: number | null): Promise<boolean> {
    return sendBack(this.#sql, at, tail, dueAtMs);
  }

  sendIf(fact: Fact, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean> {
    return sendWithFact(this.#sql, fact, queue, job, dueAtMs);
  }

  renew(at: Place, queue: string, job: JobJson, dueAtMs: number | null): Promise<boolean> {
    return renewWaiting(this.#sql, at, queue, job, dueAtMs);
  }

  endedBy(range: EndedRange): Promise<readonly EndedJob[]> {
    return readEndedBy(this.#sql, range);
  }

  endedAs(places: readonly Place[]): Promise<readonly EndedJob[]> {
    return readEndedAs(this.#sql, places);
  }

  forget(queue: string, ended: readonly Omit<EndedPlace, 'queue'>[]): Promise<readonly string[]> {
    return forgetEnded(this.#sql, queue, ended);
  }

  page(queue: string, state: RawJob['state'], after: string | null, count: number): Promise<Page> {
    return readPage(this.#sql, { queue, state, after, count });
  }

  heads(queues: readonly string[]): Promise<readonly Heads[]> {
    return readHeads(this.#sql, queues);
  }

  news(queues: readonly string[], position: string | null): Promise<News> {
    return readNews(this.#sql, queues, position);
  }

  idsByPrefix(prefix: string, queues: readonly string[], limit: number): Promise<readonly string[]> {
    return readIds(this.#sql, prefix, queues, limit);
  }

  keepReport(at: Place, token: string, report: string, percent: number | null): Promise<boolean> {
    return this.#beside.run(keyOf(at), () => beside.keepReport(this.#sql, at, token, report, percent));
  }

  keepCheckpoint(at: Place, token: string, text: string): Promise<boolean> {
    return this.#beside.run(keyOf(at), () => beside.keepCheckpoint(this.#sql, at, token, text));
  }

  checkpoint(at: Place): Promise<string | null> {
    return beside.readCheckpoint(this.#sql, at);
  }

  dropCheckpoint(at: Place): Promise<void> {
    return this.#beside.run(keyOf(at), () => beside.dropCheckpoint(this.#sql, at));
  }

  appendLog(at: Place, lines: readonly string[], room: LogRoom): Promise<LogAppended> {
    return this.#beside.run(keyOf(at), () => beside.appendLog(this.#sql, at, lines, room));
  }

  log(at: Place, from: number): Promise<{ readonly lines: readonly string[]; readonly from: number }> {
    return beside.readLog(this.#sql, at, from);
  }

  async get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    if (keys.length === 0) return [];
    const rows = await this.#sql(statements.GET, [keys.map(storableText)]);
    const found = new Map(rows.map(({ key, value }) => [exactText(String(key)), exactText(String(value))]));
    return keys.map((key) => found.get(key) ?? null);
  }

  async set(
    key: string,
    value: string,
    { ifAbsent = false, ttlMs }: { readonly ifAbsent?: boolean; readonly ttlMs?: number } = {},
  ): Promise<boolean> {
    const forMs = ttlMs === undefined ? null : Math.max(1, Math.round(ttlMs));
    const written = await this.#sql(statements.SET, [storableText(key), storableText(value), forMs, ifAbsent]);
    if (forMs !== null && Math.random() * SWEEP_EVERY < 1) await this.#sql(statements.SWEEP);
    return written.length > 0;
  }

  async swap(key: string, before: string | null, after: string | null): Promise<boolean> {
    if (before === null && after !== null) return this.set(key, after, { ifAbsent: true });
    if (before === null) return (await this.get([key]))[0] === null;
    const values = [storableText(key), storableText(before), ...(after === null ? [] : [storableText(after)])];
    return (await this.#sql(after === null ? statements.SWAP_OUT : statements.SWAP, values)).length > 0;
  }

  async remove(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0;
    return (await this.#sql(statements.REMOVE, [keys.map(storableText)])).filter(({ live }) => live === true).length;
  }

  async fields(table: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#sql('SELECT field, value FROM fsq_fields WHERE name = $1', [storableText(table)]);
    return new Map(rows.map(({ field, value }) => [exactText(String(field)), exactText(String(value))]));
  }

  async someFields(table: string, after: string | null, count: number): Promise<FieldsPage> {
    const rows = await this.#sql(statements.SOME_FIELDS, [storableText(table), after ?? '', count]);
    const fields = new Map(rows.map(({ field, value }) => [exactText(String(field)), exactText(String(value))]));
    return { fields, next: rows.length < count ? null : String(rows.at(-1)?.['field']) };
  }

  async field(table: string, field: string): Promise<string | null> {
    const [row] = await this.#sql(statements.FIELD, [storableText(table), storableText(field)]);
    return row === undefined ? null : exactText(String(row['value']));
  }

  async setField(
    table: string,
    field: string,
    value: string,
    { ifAbsent = false }: { readonly ifAbsent?: boolean } = {},
  ): Promise<boolean> {
    const values = [table, field, value].map(storableText);
    return (await this.#sql(ifAbsent ? statements.ADD_FIELD : statements.SET_FIELD, values)).length > 0;
  }

  async swapField(table: string, field: string, before: string | null, after: string | null): Promise<boolean> {
    if (before === null && after !== null) return this.setField(table, field, after, { ifAbsent: true });
    if (before === null) return (await this.field(table, field)) === null;
    const values = [table, field, before, ...(after === null ? [] : [after])].map(storableText);
    return (await this.#sql(after === null ? statements.SWAP_FIELD_OUT : statements.SWAP_FIELD, values)).length > 0;
  }

  async mergeFields(table: string, from: FieldValue, to: FieldValue): Promise<boolean> {
    if (from.field === to.field) return this.swapField(table, from.field, from.value, to.value);
    const values = [table, from.field, from.value, to.field, to.value].map(storableText);
    return (await this.#sql(statements.MERGE_FIELDS, values)).length > 0;
  }

  async removeFields(table: string, fields: readonly string[]): Promise<number> {
    if (fields.length === 0) return 0;
    return (await this.#sql(statements.REMOVE_FIELDS, [storableText(table), fields.map(storableText)])).length;
  }

  publish(topic: string, text: string): void {
    this.#publisher.publish(topic, text);
  }

  subscribe(topic: string, hear: (text: string) => void): Promise<() => void> {
    return this.#publisher.subscribe(topic, hear);
  }

  async clockMs(): Promise<number> {
    const [row] = await this.#sql(statements.CLOCK);
    return Number(row?.['ms']);
  }

  async close(): Promise<void> {
    await this.#publisher.close();
  }
}

function keyOf({ queue, id }: Place): string {
  return `${queue}:${id}`;
}
