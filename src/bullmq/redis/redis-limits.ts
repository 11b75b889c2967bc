/** Limits in Redis. */
import type { Redis } from 'ioredis';
import type { Admitted, LimitedJob, LimitStore, QueueMeta, Scope } from '../limits/limit-store.ts';
import { LIMIT_SCRIPTS } from './limit-scripts.ts';

const META_FIELDS = ['concurrency', 'max', 'duration'] as const;

/** The table of the jobs of a queue that a limit holds back, and which one. */
export function heldBackIn(queue: string): string {
  return `limit-held:${queue}`;
}

export class RedisLimits implements LimitStore {
  readonly #client: Redis;
  readonly #prefix: string;

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    for (const [name, lua] of Object.entries(LIMIT_SCRIPTS))
      if (!(name in client)) client.defineCommand(name, { numberOfKeys: 0, lua });
  }

  async admit({ queue, id, token, order }: LimitedJob, scopes: readonly Scope[]): Promise<Admitted> {
    const asked = scopes.flatMap(({ name, most, starts }) => [
      name,
      most ?? '',
      starts?.slots ?? '',
      starts?.lengthMs ?? '',
    ]);
    const refused = await this.#run('fsqAdmit', this.#prefix, queue, id, token, order, ...asked);
    if (!Array.isArray(refused)) return { kind: 'run' };
    const [scope, inMs] = refused as readonly unknown[];
    return { kind: 'wait', scope: String(scope), inMs: Number(inMs) < 0 ? null : Number(inMs) };
  }

  async hold({ queue, id, order }: LimitedJob, scope: string): Promise<void> {
    await this.#run('fsqHold', this.#prefix, queue, id, order, scope);
  }

  async release({ queue, id, token }: LimitedJob, scopes: readonly string[]): Promise<void> {
    await this.#run('fsqRelease', this.#prefix, queue, id, token, ...scopes);
  }

  async sweep(): Promise<void> {
    await this.#run('fsqSweepLimits', this.#prefix);
  }

  async heldBack(queues: readonly string[]): Promise<number> {
    return Number(await this.#run('fsqHeldBack', this.#prefix, ...queues));
  }

  async swapQueueLimits(
    queue: string,
    before: string | null,
    after: string | null,
    limits: QueueMeta,
  ): Promise<boolean> {
    const note = [before === null ? '0' : '1', before ?? '', after === null ? '0' : '1', after ?? ''];
    const fields = META_FIELDS.flatMap((field) => [field, limits[field] ?? '']);
    const meta = `${this.#prefix}:${queue}:meta`;
    return (await this.#run('fsqSwapQueueLimits', this.#notes, queue, meta, ...note, ...fields)) === 1;
  }

  async queueLimits(): Promise<ReadonlyMap<string, string>> {
    return new Map(Object.entries(await this.#client.hgetall(this.#notes)));
  }

  get #notes(): string {
    return `${this.#prefix}-fsq:queue-limits`;
  }

  #run(name: keyof typeof LIMIT_SCRIPTS, ...args: readonly (string | number)[]): Promise<unknown> {
    const script = (this.#client as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof script !== 'function') throw new Error(`The script ${name} is not defined.`);
    return (script as (...given: (string | number)[]) => Promise<unknown>).apply(this.#client, [...args]);
  }
}
