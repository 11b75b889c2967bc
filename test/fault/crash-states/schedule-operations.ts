/** A schedule that ticks while the power goes: no instant has two jobs, and none that was answered for is lost. */
import { openSpool } from '../../../src/spool/spool.ts';
import { EARLIER_BOOT, ofBoot } from '../../support/boots.ts';
import type { Recording } from '../../support/recording-files.ts';
import { INSTANTS, sendInstant } from './instants.ts';
import type { End, Operation } from './operations.ts';

export const SCHEDULE_OPERATIONS: readonly Operation[] = [
  { name: 'send instants of a schedule', act: (spool, recording) => tick(spool, recording, 1), instants: INSTANTS },
  { name: 'send them in two processes', act: (spool, recording) => tick(spool, recording, 2), instants: INSTANTS },
];

async function tick(spool: string, recording: Recording, processes: number): Promise<End> {
  const files = ofBoot(EARLIER_BOOT, recording.files);
  const brokers = Array.from({ length: processes }, () => openSpool({ path: spool, files }));
  recording.restart();
  for (const atMs of INSTANTS) {
    const sent = await Promise.all(brokers.map((broker) => sendInstant(broker, atMs)));
    for (const standIn of sent) if (standIn !== null) recording.promise(standIn.id);
  }
  return async () => {
    for (const broker of brokers) await broker.close();
  };
}
