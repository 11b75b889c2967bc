/** What processes tell each other by way of Redis: hints, one channel for each topic. */
import type { Redis } from 'ioredis';

interface Channel {
  readonly listeners: Set<(text: string) => void>;
  readonly subscribed: Promise<unknown>;
}

export class RedisTopics {
  readonly #client: Redis;
  readonly #listener: Redis;
  readonly #keyOf: (topic: string) => string;
  readonly #channels = new Map<string, Channel>();

  /** @param listener a connection for subscriptions alone */
  constructor(client: Redis, listener: Redis, keyOf: (topic: string) => string) {
    this.#client = client;
    this.#listener = listener;
    this.#keyOf = keyOf;
    listener.on('error', () => undefined); // What it would have told is found by a look.
    listener.on('message', (key: string, text: string) => {
      for (const hear of this.#channels.get(key)?.listeners ?? []) hear(text);
    });
  }

  publish(topic: string, text: string): void {
    this.#client.publish(this.#keyOf(topic), text).catch(() => undefined); // It is a hint.
  }

  /** @throws the error of the connection: nothing is heard then, and who comes next tries anew */
  async subscribe(topic: string, hear: (text: string) => void): Promise<() => void> {
    const key = this.#keyOf(topic);
    const channel = this.#channels.get(key) ?? { listeners: new Set(), subscribed: this.#listener.subscribe(key) };
    this.#channels.set(key, channel);
    channel.listeners.add(hear);
    try {
      await channel.subscribed;
    } catch (error) {
      if (this.#channels.get(key) === channel) this.#channels.delete(key);
      throw error;
    }
    return () => this.#leave(key, channel, hear);
  }

  close(): void {
    this.#channels.clear();
    this.#listener.disconnect();
  }

  #leave(key: string, channel: Channel, hear: (text: string) => void): void {
    channel.listeners.delete(hear);
    if (channel.listeners.size > 0 || this.#channels.get(key) !== channel) return;
    this.#channels.delete(key);
    this.#listener.unsubscribe(key).catch(() => undefined); // It is about to end.
  }
}
