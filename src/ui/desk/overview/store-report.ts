/** What keeps the jobs: its parts with what each means, and the room that is left. */
import type { Broker } from '../../../broker/broker.ts';
import type { StoreReport } from '../../wire.ts';

export async function storeReport(broker: Pick<Broker, 'place' | 'parts' | 'room'>): Promise<StoreReport> {
  const [parts, room] = [await broker.parts(), await broker.room()];
  return { place: broker.place, parts, room: room === null ? null : roomOf(room) };
}

function roomOf({
  freeBytes,
  totalBytes,
  freeInodes,
  totalInodes,
}: NonNullable<StoreReport['room']>): StoreReport['room'] {
  return { freeBytes, totalBytes, freeInodes, totalInodes };
}
