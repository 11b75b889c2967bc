import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { ServiceManager, watchdogOf } from '../../../../../src/cli/commands/worker/service-manager.ts';
import type { Logger } from '../../../../../src/worker/log.ts';
import { deferred, until } from '../../../../support/conditions.ts';

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

describe('the watchdog of systemd', () => {
  for (const [env, everyMs] of [
    [{}, null],
    [{ WATCHDOG_USEC: '' }, null],
    [{ WATCHDOG_USEC: '30000000' }, 15_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 15_000],
  ] as const)
    test(`${JSON.stringify(env)} wants a sign of life every ${everyMs} ms`, () =>
      assert.deepEqual(watchdogOf(env, 7), { everyMs, complaint: null }));

  for (const micros of ['0', '-1', '1.5', '30s', ' 1', '1'.repeat(17)])
    test(`'${micros}' microseconds are told, and heeded no further`, () => {
      const { everyMs, complaint } = watchdogOf({ WATCHDOG_USEC: micros }, 7);

      assert.equal(everyMs, null);
      assert.match(complaint ?? '', /expected WATCHDOG_USEC to be a number of microseconds, got /);
    });

  test('of another process gets no signs of life of this one', () => {
    const { everyMs, complaint } = watchdogOf({ WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' }, 7);

    assert.equal(everyMs, null);
    assert.match(complaint ?? '', /of process "8", and this worker is 7: it sends none\. Start the worker itself/);
  });
});

describe('a worker below systemd', () => {
  test('says that it is ready, then that it is well, at last that it ends, and nothing after that', async (t) => {
    const { manager, sent } = managerOf(t, { ...SOCKET, WATCHDOG_USEC: '2000' });

    manager.ready('2 children', () => null);
    await until(() => sent.length >= 4, 'signs of life are sent');
    manager.ending();
    manager.ending();
    await until(() => sent.at(-1)?.startsWith('STOPPING=1'), 'the end is told');
    const count = sent.length;
    await new Promise((resolve) => setTimeout(resolve, 20)); // Ten signs of life could come.

    assert.equal(sent[0], 'READY=1 STATUS=2 children');
    assert.deepEqual(new Set(sent.slice(1, -1)), new Set(['WATCHDOG=1']));
    assert.equal(sent.length, count);
  });

  test('sends no sign of life where no watchdog wants one', async (t) => {
    const { manager, sent } = managerOf(t, { ...SOCKET });

    manager.ready('2 children', () => null);
    await until(() => sent.length > 0, 'it is told that the worker is ready');
    manager.ending();
    await until(() => sent.length > 1, 'the end is told');

    assert.equal(sent.length, 2);
  });

  test('sends none while the spool cannot be used, says why once, and goes on when it can', async (t) => {
    const { manager, sent, said } = managerOf(t, { ...SOCKET, WATCHDOG_USEC: '2000' });
    const broken = Object.assign(new Error('EIO: i/o error\n'), { code: 'EIO' });
    let looks = 0;

    manager.ready('2 children', () => (++looks > 2 && looks < 8 ? broken : null));
    await until(() => looks >= 10, 'it has looked');

    assert.deepEqual(sent.slice(0, 3), [
      'READY=1 STATUS=2 children',
      'WATCHDOG=1',
      'STATUS=the jobs cannot be reached: EIO: i/o error\\u{a}',
    ]);
    assert.equal(sent[3], 'WATCHDOG=1');
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /systemd gets no sign of life, and starts the worker again if that lasts/);
  });

  test('sends nothing after the end, also when a message was on its way meanwhile', async (t) => {
    const arrived = deferred<void>();
    const { manager, sent } = managerOf(t, { ...SOCKET, WATCHDOG_USEC: '2000' }, [], arrived.promise);

    manager.ready('2 children', () => null);
    manager.ending();
    arrived.resolve();
    await until(() => sent.length >= 2, 'both messages arrive');
    await new Promise((resolve) => setTimeout(resolve, 20)); // Ten signs of life could come.

    assert.deepEqual(
      sent.map((text) => text.split(' ')[0]),
      ['READY=1', 'STOPPING=1'],
    );
  });

  test('says again what did not arrive, and tells the log of it once', async (t) => {
    const { manager, sent, said } = managerOf(t, { ...SOCKET, WATCHDOG_USEC: '2000' }, [1, 2, 3]);

    manager.ready('2 children', () => null);
    await until(() => sent.length >= 2, 'it arrives in the end');

    assert.deepEqual(sent.slice(0, 2), ['READY=1 STATUS=2 children', 'WATCHDOG=1']);
    assert.deepEqual(said, ['systemd could not be told READY=1: no process']);
  });

  test('takes the variables of systemd away: what it starts must not speak for it', (t) => {
    const env: NodeJS.ProcessEnv = { ...SOCKET, WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1', PATH: '/bin' };

    managerOf(t, env);

    assert.deepEqual(env, { PATH: '/bin' });
  });
});

test('without systemd nothing is sent, whatever is left of its variables', async (t) => {
  const { manager, sent, said } = managerOf(t, { WATCHDOG_USEC: 'odd' });

  manager.ready('2 children', () => null);
  manager.ending();
  await new Promise((resolve) => setImmediate(resolve));

  assert.deepEqual([sent, said], [[], []]);
});

/** @param failing which messages, from 1, do not arrive; each takes until `arrived` */
function managerOf(
  t: TestContext,
  env: NodeJS.ProcessEnv,
  failing: readonly number[] = [],
  arrived: Promise<void> = Promise.resolve(),
): { manager: ServiceManager; sent: string[]; said: string[] } {
  const sent: string[] = [];
  const said: string[] = [];
  let count = 0;
  const say = (text: string): void => void said.push(text);
  const log: Logger = { debug: say, info: say, warn: say, error: say };
  const manager = new ServiceManager(env, log, () => async (assignments) => {
    await arrived;
    if (failing.includes(++count)) throw new Error('no process');
    sent.push(assignments.join(' '));
  });
  t.after(() => manager.close());
  return { manager, sent, said };
}
