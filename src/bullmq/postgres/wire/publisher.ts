/** Hints between processes, over NOTIFY: what is published while one statement is under way goes with the next. */
import { storableText, exactText } from './exact-json.ts';
import type { Listener } from './listener.ts';
import type { Sql } from '../schema.ts';

/** A NOTIFY takes less than 8,000 bytes. A text that does not fit is not sent: it is found by a look. */
const MAX_BYTES = 7_900;
/** How long the name of a channel may be, bytes: PostgreSQL cuts what is longer. */
const MAX_NAME = 63;
/** Between the topic and the text. */
const SEPARATOR = '\n';

const NOTIFY = `SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text`;

export class Publisher {
  readonly #sql: Sql;
  readonly #channel: string;
  readonly #listener: Listener;
  readonly #heard = new Map<string, Set<(text: string) => void>>();
  #listening: Promise<unknown> | null = null;
  #toSend: string[] = [];
  #sending: Promise<void> | null = null;

  constructor(sql: Sql, schema: string, listener: Listener) {
    this.#sql = sql;
    // Two long names that begin alike share a channel: their hints are heard by more than have to.
    this.#channel = `fsq_${schema}`.slice(0, MAX_NAME);
    this.#listener = listener;
  }

  publish(topic: string, text: string): void {
    const payload = storableText(`${topic}${SEPARATOR}${text}`);
    if (Buffer.byteLength(payload) > MAX_BYTES) return;
    this.#toSend.push(payload);
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
  }

  /** @returns ends the subscription */
  async subscribe(topic: string, hear: (text: string) => void): Promise<() => void> {
    const listeners = this.#heard.get(topic) ?? new Set();
    this.#heard.set(topic, listeners.add(hear));
    await (this.#listening ??= this.#listener.listen(this.#channel, (payload) => this.#hear(payload)));
    return () => listeners.delete(hear);
  }

  async close(): Promise<void> {
    this.#heard.clear();
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#toSend.length > 0) {
      const texts = this.#toSend;
      this.#toSend = [];
      // It is a hint. What is told twice in one transaction arrives once.
      await this.#sql(NOTIFY, [this.#channel, texts]).catch(() => undefined);
    }
  }

  #hear(payload: string): void {
    const told = exactText(payload);
    const end = told.indexOf(SEPARATOR);
    const topic = told.slice(0, Math.max(0, end));
    for (const hear of this.#heard.get(topic) ?? []) hear(told.slice(end + 1));
  }
}
