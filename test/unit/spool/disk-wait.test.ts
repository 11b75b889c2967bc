import assert from 'node:assert/strict';
import test from 'node:test';
import type { BrokerEvent } from '../../../src/broker/worker-side.ts';
import { DiskWait } from '../../../src/spool/disk-wait.ts';

const PAUSED = { kind: 'paused', error: new Error('full') } as const;
const RESUMED = { kind: 'resumed' } as const;

test('many steps that wait are told as one wait', () => {
  const told: BrokerEvent[] = [];
  const diskWait = new DiskWait((event) => told.push(event));

  for (const event of [PAUSED, PAUSED, RESUMED, PAUSED, RESUMED, RESUMED]) diskWait.hear(event);

  assert.deepEqual(told, [PAUSED, RESUMED]);
  assert.equal(diskWait.isOn, false);
});

test('other events pass', () => {
  const told: BrokerEvent[] = [];
  const diskWait = new DiskWait((event) => told.push(event));
  const foreign = { kind: 'foreign', name: 'x' } as const;

  diskWait.hear(PAUSED);
  diskWait.hear(foreign);

  assert.deepEqual(told, [PAUSED, foreign]);
});

test('it is over when the last step goes on, not the first', async () => {
  const diskWait = new DiskWait(undefined);
  diskWait.hear(PAUSED);
  diskWait.hear(PAUSED);
  let isOver = false;
  const waiting = diskWait.over(new AbortController().signal).then(() => (isOver = true));

  diskWait.hear(RESUMED);
  await Promise.resolve();
  const whileOneWaits = isOver;
  diskWait.hear(RESUMED);
  await waiting;

  assert.equal(whileOneWaits, false);
});

test('who is told to stop does not wait for the disk', async () => {
  const diskWait = new DiskWait(undefined);
  diskWait.hear(PAUSED);
  const stop = new AbortController();

  const waiting = diskWait.over(stop.signal);
  stop.abort();

  await waiting;
  assert.equal(diskWait.isOn, true);
});
