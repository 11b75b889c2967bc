import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import type { Redis } from 'ioredis';
import { RedisTopics } from '../../../../../src/bullmq/redis/wire/redis-topics.ts';

/** A connection for subscriptions, the first of which fail. */
class Listener extends EventEmitter {
  readonly asked: string[] = [];
  failing: number;

  constructor(failing: number) {
    super();
    this.failing = failing;
  }

  async subscribe(key: string): Promise<void> {
    this.asked.push(`subscribe ${key}`);
    if (this.failing-- > 0) throw new Error('Connection is closed.');
  }

  async unsubscribe(key: string): Promise<void> {
    this.asked.push(`unsubscribe ${key}`);
  }
}

function topics(failing: number): { readonly topics: RedisTopics; readonly listener: Listener } {
  const listener = new Listener(failing);
  const redis = listener as unknown as Redis;
  return { listener, topics: new RedisTopics(redis, redis, (topic) => `fsq:${topic}`) };
}

test('after a subscription that failed the next one hears', async () => {
  const { topics: each, listener } = topics(1);
  const heard: string[] = [];
  const [first, second] = await Promise.allSettled([1, 2].map(() => each.subscribe('a', () => heard.push('failed'))));

  await each.subscribe('a', (text) => heard.push(text));
  listener.emit('message', 'fsq:a', 'hello');

  assert.deepEqual([first?.status, second?.status], ['rejected', 'rejected']);
  assert.deepEqual(heard, ['hello']);
  assert.deepEqual(listener.asked, ['subscribe fsq:a', 'subscribe fsq:a']);
});

test('a channel is left when the last of those that hear on it goes', async () => {
  const { topics: each, listener } = topics(0);
  const heard: string[] = [];
  const leaveOne = await each.subscribe('a', () => heard.push('one'));
  const leaveOther = await each.subscribe('a', () => heard.push('other'));

  leaveOne();
  listener.emit('message', 'fsq:a', '');
  leaveOther();
  leaveOther();

  assert.deepEqual(heard, ['other']);
  assert.deepEqual(listener.asked, ['subscribe fsq:a', 'unsubscribe fsq:a']);
});
