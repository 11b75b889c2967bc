/** BullMQ on PostgreSQL: what becomes of a job. */
import { testPostgres } from './postgres-place.ts';

testPostgres('jobs');
