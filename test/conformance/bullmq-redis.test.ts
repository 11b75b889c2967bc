/** BullMQ on Redis. */
import test from 'node:test';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { testBulls } from './bulls.ts';

if (lacksRedis === false) testBulls('Redis', async (name) => (await redisServer()).url(name));
else test('BullMQ on Redis', { skip: lacksRedis });
