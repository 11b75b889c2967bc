/** The one connection of a process on which it hears: of jobs that BullMQ has made ready, and of what fsq publishes. */
import type { Client, ClientConfig } from 'pg';
import type { PostgresPeers } from '../../peers.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

type Hear = (text: string) => void;

export class Listener {
  readonly #pg: PostgresPeers['pg'];
  readonly #config: ClientConfig;
  readonly #heard = new Map<string, Set<Hear>>();
  #client: Promise<Client> | null = null;
  #again: NodeJS.Timeout | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;

  constructor(pg: PostgresPeers['pg'], config: ClientConfig) {
    this.#pg = pg;
    this.#config = config;
  }

  /**
   * Calls `hear` with what is told on this channel, and with '' when something may have been missed, because the connection was cut.
   *
   * @returns ends the subscription
   */
  async listen(channel: string, hear: Hear): Promise<() => void> {
    const listeners = this.#heard.get(channel) ?? new Set();
    this.#heard.set(channel, listeners);
    listeners.add(hear);
    try {
      const client = await this.#connected();
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    } catch {
      this.#later(); // What it would have told is found by a look meanwhile.
    }
    return () => listeners.delete(hear);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#heard.clear();
    if (this.#again !== null) clearTimeout(this.#again);
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end().catch(() => undefined); // It is cut already.
  }

  #connected(): Promise<Client> {
    return (this.#client ??= this.#connect());
  }

  async #connect(): Promise<Client> {
    const client = new this.#pg.Client({ ...this.#config, keepAlive: true, keepAliveInitialDelayMillis: 10_000 });
    client.on('error', () => undefined); // Its end follows.
    client.on('end', () => this.#cut());
    client.on('notification', ({ channel, payload = '' }) => {
      for (const hear of this.#heard.get(channel) ?? []) hear(payload);
    });
    await client.connect();
    // It keeps no process alive: whoever waits for something does.
    (client as unknown as { unref(): void }).unref(); // Its types do not say so.
    for (const channel of this.#heard.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    this.#pauseMs = FIRST_PAUSE_MS;
    return client;
  }

  #cut(): void {
    this.#client = null;
    this.#later();
  }

  /** Connects again, and tells everybody to look. */
  #later(): void {
    if (this.#isClosed || this.#again !== null) return;
    this.#client = null;
    this.#again = setTimeout(() => {
      this.#again = null;
      this.#connected().then(
        () => this.#missed(),
        () => this.#later(),
      );
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }

  #missed(): void {
    for (const listeners of this.#heard.values()) for (const hear of listeners) hear('');
  }
}
