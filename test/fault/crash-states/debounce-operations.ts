/** Calls that give their arguments to a job that waits, while the power goes: the job is there once, with those of the last answered call. */
import assert from 'node:assert/strict';
import type { Broker, StandIn } from '../../../src/broker/broker.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { EARLIER_BOOT, ofBoot } from '../../support/boots.ts';
import { job } from '../../support/factory.ts';
import type { Recording } from '../../support/recording-files.ts';
import { CALLED, type End, KEY, type Operation } from './operations.ts';

export const DEBOUNCE_OPERATIONS: readonly Operation[] = [
  {
    name: 'give a job the arguments of a later call',
    key: KEY,
    act: (spool, recording) => calls(spool, recording, [1]),
  },
  { name: 'do so again and again', key: KEY, act: (spool, recording) => calls(spool, recording, [1, 2, 3]) },
  {
    name: 'do so in two processes',
    key: KEY,
    act: (spool, recording) => calls(spool, recording, [1, 2, 3], 60_000, 2),
  },
  { name: 'give a job that is ready the arguments of a later call', key: KEY, act: giveReady },
];

/** Long enough to be torn. */
const REST = 'é世z👋'.repeat(60);

async function calls(
  spool: string,
  recording: Recording,
  rows: readonly number[],
  mostMs = 60_000,
  processes = 1,
): Promise<End> {
  const brokers = Array.from({ length: processes }, () => open(spool, recording));
  const of = (row: number): Broker => brokers[row % processes] ?? assert.fail();
  const { id } = await call(of(0), 0, mostMs);
  recording.restart();
  recording.promise(id);
  for (const row of rows) {
    await call(of(row), row, mostMs);
    recording.promise(`${CALLED}${id} ${row}`);
  }
  return async () => {
    for (const broker of brokers) await broker.close();
  };
}

/** Its longest wait is over, so that each call puts it where it may begin. */
function giveReady(spool: string, recording: Recording): Promise<End> {
  return calls(spool, recording, [1, 2], 1);
}

function open(spool: string, recording: Recording): Broker {
  return openSpool({ path: spool, files: ofBoot(EARLIER_BOOT, recording.files) });
}

function call(broker: Broker, row: number, mostMs: number): Promise<StandIn> {
  const sent = job({ id: broker.nextId(), args: [{ row, rest: REST }], options: { key: KEY } });
  return broker.enqueueUnique(sent, { key: KEY, until: 'started', debounce: { waitMs: 1, mostMs } });
}
