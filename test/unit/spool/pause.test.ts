import assert from 'node:assert/strict';
import test from 'node:test';
import type { BrokerEvent } from '../../../src/broker/worker-side.ts';
import { Pause } from '../../../src/spool/pause.ts';

const PAUSED = { kind: 'paused', error: new Error('full') } as const;
const RESUMED = { kind: 'resumed' } as const;

test('many steps that wait are told as one pause', () => {
  const told: BrokerEvent[] = [];
  const pause = new Pause((event) => told.push(event));

  for (const event of [PAUSED, PAUSED, RESUMED, PAUSED, RESUMED, RESUMED]) pause.hear(event);

  assert.deepEqual(told, [PAUSED, RESUMED]);
  assert.equal(pause.isOn, false);
});

test('other events pass', () => {
  const told: BrokerEvent[] = [];
  const pause = new Pause((event) => told.push(event));
  const foreign = { kind: 'foreign', name: 'x' } as const;

  pause.hear(PAUSED);
  pause.hear(foreign);

  assert.deepEqual(told, [PAUSED, foreign]);
});

test('it is over when the last step goes on, not the first', async () => {
  const pause = new Pause(undefined);
  pause.hear(PAUSED);
  pause.hear(PAUSED);
  let isOver = false;
  const waiting = pause.over(new AbortController().signal).then(() => (isOver = true));

  pause.hear(RESUMED);
  await Promise.resolve();
  const whileOneWaits = isOver;
  pause.hear(RESUMED);
  await waiting;

  assert.equal(whileOneWaits, false);
});

test('who is told to stop does not wait for the disk', async () => {
  const pause = new Pause(undefined);
  pause.hear(PAUSED);
  const stop = new AbortController();

  const waiting = pause.over(stop.signal);
  stop.abort();

  await waiting;
  assert.equal(pause.isOn, true);
});
