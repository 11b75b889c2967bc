/** A pool whose statements wait for a server that starts again: none of them has been sent yet, so that to try again repeats nothing. */
import { setTimeout as wait } from 'node:timers/promises';
import type { PgPool, PgQueryResult } from 'bullmq';
import type { Pool } from 'pg';
import { isPassing } from '../../store-wait.ts';
import { peek } from '../../../job/values/realm.ts';

/** How long each wait is, ms: three seconds in all. Whoever wants to wait longer does so by itself (store-wait.ts). */
const WAITS_MS: readonly number[] = [50, 100, 200, 400, 800, 1_600];

/** No connection was made: nobody listens, the name is not found for now, or the server starts, stops or has none left (57P03, 53300). */
const NOT_CONNECTED: readonly unknown[] = ['ECONNREFUSED', 'EAI_AGAIN', '57P03', '53300'];

/** @param onCut a statement was under way when the connection was cut: it may have been done */
export function patient(pool: Pool, onCut: () => void): PgPool {
  const shared = pool as unknown as PgPool; // BullMQ's own type of it.
  const query = async <R>(text: string, values: readonly unknown[] = []): Promise<PgQueryResult<R>> => {
    for (const waitMs of WAITS_MS) {
      try {
        return await shared.query<R>(text, values);
      } catch (error) {
        if (!NOT_CONNECTED.includes(peek(error, 'code'))) {
          if (isPassing(error)) onCut();
          throw error;
        }
        await wait(waitMs);
      }
    }
    return shared.query<R>(text, values);
  };
  return Object.assign(Object.create(pool) as PgPool, { query });
}
