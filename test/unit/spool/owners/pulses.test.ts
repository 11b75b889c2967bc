/** How soon the event loops of processes turn, as somebody finds who only looks. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import test from 'node:test';
import type { Broker, OwnerInfo } from '../../../../src/broker/broker.ts';
import type { Pulse } from '../../../../src/broker/common/owner-info.ts';
import { Pulses } from '../../../../src/spool/owners/pulses.ts';
import { until } from '../../../support/conditions.ts';
import { startOwner } from '../../../support/owner-process.ts';
import { tempSpool } from '../../../support/temp.ts';

/** Long for a process that has nothing to do. */
const PATIENCE_MS = 10_000;

async function look(broker: Broker, owner: string, patienceMs?: number): Promise<OwnerInfo | undefined> {
  return (await broker.owners(patienceMs)).find((one) => one.owner === owner);
}

test('a process that idles answers, and who does not ask is told nothing', async (t) => {
  const { path, broker } = tempSpool(t);
  const { owner } = await startOwner(t, path);

  const asked = await look(broker, owner, PATIENCE_MS);
  const unasked = await look(broker, owner);

  assert.equal(asked?.pulse?.isBlocked, false);
  assert.ok(asked.pulse.delayMs < PATIENCE_MS, `${asked.pulse.delayMs} ms`);
  assert.deepEqual([unasked?.verdict, unasked?.pulse], ['alive', undefined]);
});

test('one that computes without a pause is blocked, for longer with every look, and a second look does not wait for it', async (t) => {
  const { path, broker } = tempSpool(t);
  const { owner } = await startOwner(t, path, { isBusy: true });
  const isBlocked = async (): Promise<boolean> => (await look(broker, owner, 1))?.pulse?.isBlocked === true;
  await until(isBlocked, 'it computes');

  const beganAt = performance.now();
  const first = await look(broker, owner, PATIENCE_MS);
  const second = await until(async () => {
    const { pulse } = (await look(broker, owner, PATIENCE_MS)) ?? {};
    return (pulse?.delayMs ?? 0) > (first?.pulse?.delayMs ?? 0) + 50 && pulse;
  }, 'it is blocked for longer');

  assert.deepEqual([first?.verdict, first?.pulse?.isBlocked, second.isBlocked], ['alive', true, true]);
  assert.ok(performance.now() - beganAt < PATIENCE_MS, 'nobody waited for it');
});

test('one that was stopped and goes on has answered late, and once only', async (t) => {
  const { path, broker } = tempSpool(t);
  const { owner, kill } = await startOwner(t, path);
  const workedBeforeMs = performance.eventLoopUtilization().active;
  kill('SIGSTOP');
  const stopped = await until(async () => {
    const { pulse } = (await look(broker, owner, 10)) ?? {};
    return pulse?.isBlocked === true && pulse.delayMs > 300 && pulse;
  }, 'it was stopped for a while');

  kill('SIGCONT');
  const late = await until(async () => {
    const { pulse } = (await look(broker, owner, 10)) ?? {};
    return pulse?.isBlocked === false && pulse;
  }, 'it has answered');

  // The time in which this process worked is no delay of the other.
  const workedMs = performance.eventLoopUtilization().active - workedBeforeMs;
  assert.ok(late.delayMs >= stopped.delayMs - workedMs, `${late.delayMs} ms after ${stopped.delayMs}`);
  const askedAt = performance.now();
  const next = await look(broker, owner, PATIENCE_MS);
  assert.equal(next?.pulse?.isBlocked, false);
  assert.ok(next.pulse.delayMs <= performance.now() - askedAt, `${next.pulse.delayMs} ms`);
});

test('one that dies while it is blocked is dead, and has given no answer', async (t) => {
  const { path, broker } = tempSpool(t);
  const { owner, end } = await startOwner(t, path, { isBusy: true });
  await until(async () => (await look(broker, owner, 1))?.pulse?.isBlocked === true, 'it computes');

  await end();
  const told: (Pulse | undefined)[] = [];
  const dead = await until(async () => {
    const one = await look(broker, owner, 1);
    told.push(one?.pulse);
    return one?.pulse === undefined && one;
  }, 'nothing is told of its event loop');

  assert.equal(dead.verdict, 'dead');
  assert.ok(told.every((pulse) => pulse?.isBlocked !== false));
});

test('the work of the process that looks is no delay of others', () => {
  const pulses = new Pulses();
  const socket = new Socket();
  assert.ok(pulses.ask('one', socket));
  const endsAt = performance.now() + 300;
  while (performance.now() < endsAt);

  socket.emit('close', false);

  const { delayMs = 0 } = pulses.take('one') ?? {};
  assert.ok(delayMs < 150, `${delayMs} ms`);
});

test('of one process one question is out at a time, and of all so many as there may be descriptors for', () => {
  const pulses = new Pulses();
  const isAsked = (n: number): boolean => pulses.ask(String(n), new Socket());

  assert.deepEqual([isAsked(0), isAsked(0)], [true, false]);
  const asked = Array.from({ length: 100 }, (_, i) => isAsked(i + 1)).filter((is) => is).length;

  assert.equal(asked, 63);
});
