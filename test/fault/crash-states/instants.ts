/** Instants of a schedule, sent by a worker before the power goes, and by the next one again. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker, StandIn } from '../../../src/broker/broker.ts';
import { parseDocument } from '../../../src/job/document.ts';
import { job } from '../../support/factory.ts';
import { placesOf } from '../../support/invariants.ts';

export const INSTANTS: readonly number[] = [1_795_739_000_000, 1_795_739_001_000, 1_795_739_002_000];

export function sendInstant(broker: Broker, atMs: number): Promise<StandIn | null> {
  const sent = job({ id: broker.nextId(), headers: { 'fsq-instant': String(atMs) } });
  return broker.schedules.send({ schedule: 'tick', atMs, pattern: 'every 1s' }, sent);
}

/** The next worker sends them all: what was accepted before it finds. */
export async function sendAgain(broker: Broker, instants: readonly number[]): Promise<void> {
  for (const atMs of instants) await sendInstant(broker, atMs);
}

/** However far the first worker had come. */
export function assertOneJobEach(spool: string, instants: readonly number[]): void {
  const found = [...placesOf(spool)].map(([id, [path = '']]) => {
    return Number(parseDocument(readFileSync(join(spool, path), 'utf8'), id).record.job.headers['fsq-instant']);
  });
  for (const atMs of instants) {
    const count = found.filter((instant) => instant === atMs).length;
    assert.equal(count, 1, `jobs of the instant ${atMs}`);
  }
}
