/** What a child says to its supervisor of runs with a limit, and when it waits for an answer. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Channel } from '../../../../src/worker/child/channel.ts';

const RUN = { id: 'a', task: 'echo', startedAtMs: 1, limitMs: 60, defaults: {} };

interface Scene {
  readonly channel: Channel;
  /** What the child has said. */
  readonly said: unknown[];
}

/** A process that has a supervisor, as it seems. */
function scene(t: TestContext): Scene {
  const said: unknown[] = [];
  const { connected, send } = process;
  Object.assign(process, { connected: true, send: (message: unknown) => said.push(message) > 0 });
  t.after(() => Object.assign(process, { connected, send }));
  const events = ['message', 'disconnect', 'SIGINT', 'SIGTERM'] as const;
  const before = new Map(events.map((event) => [event, process.listeners(event as 'message')]));
  t.after(() => {
    for (const event of events)
      for (const listener of process.listeners(event as 'message'))
        if (before.get(event)?.includes(listener) !== true) process.off(event, listener);
  });
  const channel = new Channel();
  channel.open();
  return { channel, said };
}

const ended = (isLate: boolean) => ({ type: 'ended', id: 'a', isLate });

test('a run that has ended in time, and was said to in time, is followed by the next at once', (t) => {
  const { channel, said } = scene(t);

  const wait = channel.limitKeepers.ended(RUN, () => false);

  assert.equal(wait, undefined);
  assert.deepEqual(said, [ended(false)]);
});

for (const { what, looks, words } of [
  { what: 'has ended late', looks: [true, true], words: [ended(true)] },
  // A kill may be on its way to a process that stood still then: what it begins next would be lost for this run's limit.
  { what: 'has ended in time, but was said to only later', looks: [false, true], words: [ended(false), ended(true)] },
])
  test(`after a run that ${what} nothing begins before the pardon`, async (t) => {
    const { channel, said } = scene(t);
    let isPardoned = false;

    const wait = channel.limitKeepers.ended(RUN, () => looks.shift() === true);
    void wait?.then(() => (isPardoned = true));
    await turn();

    assert.deepEqual([said, isPardoned], [words, false]);
    assert.ok(wait !== undefined);
    process.emit('message', { type: 'pardon', id: 'a' }, undefined);
    await wait;
  });
