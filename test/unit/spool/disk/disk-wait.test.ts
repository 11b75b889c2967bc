/** Waiting for a disk that refuses: how it begins, how it ends, and how many waits are told as one. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { DiskWait, waitForDisk } from '../../../../src/spool/disk/disk-wait.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { within } from '../../../support/conditions.ts';
import { job } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempSpool } from '../../../support/temp.ts';

const WAITS = { kind: 'disk-wait', error: new Error('full') } as const;
const GOES_ON = { kind: 'disk-wait-over' } as const;

test('many steps that wait are told as one wait', () => {
  const told: BrokerEvent[] = [];
  const diskWait = new DiskWait((event) => told.push(event));

  for (const event of [WAITS, WAITS, GOES_ON, WAITS, GOES_ON, GOES_ON]) diskWait.hear(event);

  assert.deepEqual(told, [WAITS, GOES_ON]);
  assert.equal(diskWait.isOn, false);
});

test('other events pass', () => {
  const told: BrokerEvent[] = [];
  const diskWait = new DiskWait((event) => told.push(event));
  const foreign = { kind: 'foreign', name: 'x' } as const;

  diskWait.hear(WAITS);
  diskWait.hear(foreign);

  assert.deepEqual(told, [WAITS, foreign]);
});

test('it is over when the last step goes on, not the first', async () => {
  const diskWait = new DiskWait(undefined);
  diskWait.hear(WAITS);
  diskWait.hear(WAITS);
  let isOver = false;
  const waiting = diskWait.over(new AbortController().signal).then(() => (isOver = true));

  diskWait.hear(GOES_ON);
  await Promise.resolve();
  const whileOneWaits = isOver;
  diskWait.hear(GOES_ON);
  await waiting;

  assert.equal(whileOneWaits, false);
});

test('who is told to stop does not wait for the disk', async () => {
  const diskWait = new DiskWait(undefined);
  diskWait.hear(WAITS);
  const stop = new AbortController();

  const waiting = diskWait.over(stop.signal);
  stop.abort();

  await waiting;
  assert.equal(diskWait.isOn, true);
});

test('a wait that ends with an error of another kind is over all the same', async () => {
  const told: BrokerEvent[] = [];
  const errors = [systemError('ENOSPC', 'rename'), systemError('EPERM', 'rename')];
  const act = (): void => {
    const error = errors.shift();
    if (error !== undefined) throw error;
  };

  await assert.rejects(async () => waitForDisk({ onEvent: (event) => told.push(event) }, act), { code: 'EPERM' });

  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['disk-wait', 'disk-wait-over'],
  );
});

test('a wait that is given up is not told as over', async () => {
  const told: BrokerEvent[] = [];
  const stop = new AbortController();
  const act = (): void => {
    throw systemError('ENOSPC', 'write');
  };
  const onEvent = (event: BrokerEvent): void => void (told.push(event), stop.abort());

  await assert.rejects(async () => waitForDisk({ onEvent, giveUp: stop.signal }, act), { code: 'ENOSPC' });

  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['disk-wait'],
  );
});

test('a job that a full disk refuses at first, and then its file system for good, does not keep others from being claimed', async (t) => {
  const [odd, good] = [job(), job()];
  let tries = 0;
  const rename = (from: string, to: string): void => {
    if (from.includes(odd.job.id) && to.includes('/running/'))
      throw systemError(tries++ === 0 ? 'ENOSPC' : 'EPERM', 'rename');
    nodeFiles.rename(from, to);
  };
  const { broker } = tempSpool(t, { files: { ...nodeFiles, rename } });
  await broker.enqueue([odd, good]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await within(
    Promise.resolve(consumer.next(new AbortController().signal)),
    'the job behind it to be claimed',
  );

  assert.equal(claim?.job.id, good.job.id);
  assert.ok(tries >= 2);
});
