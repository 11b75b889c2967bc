/** Limits in PostgreSQL. */
import type { Admitted, LimitedJob, LimitStore, QueueMeta, Scope } from '../limits/limit-store.ts';
import { exactText, storableText } from './wire/exact-json.ts';
import type { Sql } from './schema.ts';

const META_FIELDS = ['concurrency', 'max', 'duration'] as const;

/** $1 queues. A job that was ended or removed is held back no more. */
const HELD_BACK: string = `
WITH gone AS (
  DELETE FROM fsq_limit_held h WHERE queue = ANY($1::text[])
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.queue = h.queue AND j.id = h.id AND j.state IN ('delayed', 'active'))
)
SELECT count(*) AS count FROM fsq_limit_held h JOIN job j ON j.queue = h.queue AND j.id = h.id
WHERE h.queue = ANY($1::text[]) AND j.state IN ('delayed', 'active')`;

export class PostgresLimits implements LimitStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async admit({ queue, id, token, order }: LimitedJob, scopes: readonly Scope[]): Promise<Admitted> {
    const asked = scopes.map(({ name, most, starts }) => ({ name: storableText(name), most, ...starts }));
    const values = [queue, id, token, Math.round(order), JSON.stringify(asked)];
    const [refused] = await this.#sql('SELECT * FROM fsq_admit($1, $2, $3, $4, $5)', values);
    if (refused === undefined) return { kind: 'run' };
    const inMs = Number(refused['in_ms']);
    return { kind: 'wait', scope: exactText(String(refused['refused'])), inMs: inMs < 0 ? null : inMs };
  }

  async hold({ queue, id, order }: LimitedJob, scope: string): Promise<void> {
    await this.#sql('SELECT fsq_hold($1, $2, $3, $4)', [queue, id, Math.round(order), storableText(scope)]);
  }

  async release({ queue, id, token }: LimitedJob, scopes: readonly string[]): Promise<void> {
    await this.#sql('SELECT fsq_release($1, $2, $3, $4)', [queue, id, token, scopes.map(storableText)]);
  }

  async sweep(): Promise<void> {
    await this.#sql('SELECT fsq_sweep_limits()');
  }

  async heldBack(queues: readonly string[]): Promise<number> {
    const [row] = await this.#sql(HELD_BACK, [queues]);
    return Number(row?.['count'] ?? 0);
  }

  async swapQueueLimits(
    queue: string,
    before: string | null,
    after: string | null,
    limits: QueueMeta,
  ): Promise<boolean> {
    const values = META_FIELDS.map((field) => limits[field] ?? null);
    const swap = 'SELECT fsq_swap_queue_limits($1, $2, $3, $4::text[], $5::text[]) AS swapped';
    const [row] = await this.#sql(swap, [queue, before, after, META_FIELDS, values]);
    return row?.['swapped'] === true;
  }

  async queueLimits(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#sql(`SELECT field, value FROM fsq_fields WHERE name = 'queue-limits'`);
    return new Map(rows.map(({ field, value }) => [String(field), String(value)]));
  }
}
