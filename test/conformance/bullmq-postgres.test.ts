/** BullMQ on PostgreSQL. */
import test from 'node:test';
import { lacksPostgres, postgresServer } from '../support/postgres-server.ts';
import { testBulls } from './bulls.ts';

/** FSQ_MOVING says so. */
const NOT_YET = ['handing over', 'moving all', 'dying on the way'] as const;

if (lacksPostgres === false) testBulls('PostgreSQL', async (name) => (await postgresServer()).url(name), NOT_YET);
else test('BullMQ on PostgreSQL', { skip: lacksPostgres });
