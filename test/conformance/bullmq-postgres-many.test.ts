/** BullMQ on PostgreSQL: what concerns many jobs, and what lies beside them. */
import { testPostgres } from './postgres-place.ts';

testPostgres('many jobs');
