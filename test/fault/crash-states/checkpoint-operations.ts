/** What a run has kept when the power goes: the next run finds it. */
import type { Claim } from '../../../src/broker/worker-side.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job } from '../../support/factory.ts';
import type { Recording } from '../../support/recording-files.ts';
import { type End, finish, KEPT, type Operation } from './operations.ts';

export const CHECKPOINT_OPERATIONS: readonly Operation[] = [
  { name: 'keep the first checkpoint of the spool', act: (spool, recording) => keep(spool, recording, [1]) },
  { name: 'keep checkpoint after checkpoint', act: (spool, recording) => keep(spool, recording, [1, 2, 3]) },
  {
    name: 'keep a checkpoint, be sent back and keep another',
    act: (spool, recording) =>
      keep(spool, recording, [1], async (claim, next) => {
        await claim.settle({ kind: 'requeue' }, null);
        await keepRows(await next(), recording, [2]);
      }),
  },
  {
    name: 'keep a checkpoint and finish',
    act: (spool, recording) => keep(spool, recording, [1], (claim) => finish(spool, recording, claim)),
  },
];

/** Long enough to be torn. */
const REST = 'é世z👋'.repeat(60);

async function keep(
  spool: string,
  recording: Recording,
  rows: readonly number[],
  then: (claim: Claim, next: () => Promise<Claim>) => Promise<void> = async () => undefined,
): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const next = async (): Promise<Claim> => {
    const claim = await consumer.next(new AbortController().signal);
    if (claim === null) throw new Error('there is no job to claim');
    return claim;
  };
  const claim = await next();
  recording.restart();
  recording.promise(sent.job.id);
  claim.progress({ value: 0.5, detail: REST });
  await keepRows(claim, recording, rows);
  await then(claim, next);
  return () => consumer.close();
}

async function keepRows(claim: Claim, recording: Recording, rows: readonly number[]): Promise<void> {
  for (const row of rows) {
    await claim.checkpoint({ row, rest: REST });
    recording.promise(`${KEPT}${claim.job.id} ${row}`);
  }
}
