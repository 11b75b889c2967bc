/** BullMQ on PostgreSQL. */
import test from 'node:test';
import { lacksPostgres, postgresServer } from '../support/postgres-server.ts';
import { testBulls } from './bulls.ts';

if (lacksPostgres === false) testBulls('PostgreSQL', async (name) => (await postgresServer()).url(name));
else test('BullMQ on PostgreSQL', { skip: lacksPostgres });
