/** Which children a worker has at work, whatever becomes of each: the processes here do what a test makes them. */
import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../support/conditions.ts';
import { Crew, exitCodeAfter, phaseAfter } from '../../../src/worker/crew.ts';
import { Relay } from '../../../src/worker/relay.ts';
import { launch } from './fixtures/launch.ts';

class FakeProcess extends EventEmitter {
  readonly pid: number;
  readonly connected = true;
  readonly stdio = [];
  readonly told: string[] = [];

  /** Above what the kernel gives: a kill of its group meets nobody. */
  constructor(number: number) {
    super();
    this.pid = 2 ** 30 + number;
  }

  send({ type }: { readonly type: string }): void {
    this.told.push(type);
  }

  says(type: string, rest: Record<string, unknown> = {}): void {
    this.emit('message', { type, ...rest });
  }

  isReady(): void {
    this.says('ready', { owner: `${this.pid}-0123456789abcdef`, tasks: [] });
  }

  ends(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.emit('disconnect');
    this.emit('exit', code, signal);
  }
}

interface Scene {
  readonly crew: Crew;
  readonly processes: FakeProcess[];
  /** The process ids of children that take no more jobs, as the keeper was told. */
  readonly left: number[];
  /** Why children died, as recovery was told. */
  readonly causes: string[];
  readonly said: string[];
}

/** @param recovered of the first child that dies; @param later of all others */
function crewOf(
  t: TestContext,
  concurrency: number,
  recovered: Promise<boolean> = Promise.resolve(true),
  later: Promise<boolean> = recovered,
): Scene {
  const processes: FakeProcess[] = [];
  t.mock.method(childProcess, 'fork', () => {
    processes.push(new FakeProcess(processes.length));
    return processes.at(-1);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const left: number[] = [];
  const causes: string[] = [];
  const said: string[] = [];
  const log = (line: string): number => said.push(line);
  const crew = new Crew(
    {
      concurrency,
      log: { debug: log, info: log, warn: log, error: log },
      relay: new Relay({ stdout: null, stderr: null }),
      launch: () => launch(),
    },
    {
      onMessage: () => undefined,
      onPrinted: () => undefined,
      onLeaving: ({ pid }) => void left.push(pid ?? 0),
      onSuccession: () => undefined,
      recover: ({ deathCause }) => {
        causes.push(String(deathCause?.kind));
        return causes.length === 1 ? recovered : later;
      },
      onHopeless: (message) => said.push(message),
    },
  );
  t.after(() => {
    crew.end('stopping');
    for (const one of processes) one.ends(0);
  });
  crew.start(false);
  return { crew, processes, left, causes, said };
}

function processAt({ processes }: Scene, index: number): FakeProcess {
  const found = processes[index];
  assert(found !== undefined, `a process ${index}`);
  return found;
}

test('a child that leaves is replaced at once, and once only, also when it says that it has worked enough after that', (t) => {
  const scene = crewOf(t, 2);
  for (const one of scene.processes) one.isReady();

  scene.crew.renew('tasks.ts');
  assert.equal(scene.processes.length, 4);
  processAt(scene, 0).ends(0);
  processAt(scene, 1).says('retiring', { why: 'it has run a job' });

  assert.equal(scene.processes.length, 4);
  assert.deepEqual(
    scene.processes.map(({ told }) => told),
    [['drain'], ['drain'], [], []],
  );
});

test('where no outcome arrives no more than twice the number of children live', async (t) => {
  const scene = crewOf(t, 1);
  for (const index of [0, 1]) {
    processAt(scene, index).isReady();
    processAt(scene, index).says('retiring', { why: 'it has run a job' });
  }
  assert.equal(scene.processes.length, 2);

  processAt(scene, 0).ends(0);
  await until(() => scene.causes.length === 1, 'the end of the first is told');
  assert.equal(scene.processes.length, 2);
  processAt(scene, 1).ends(0);

  await until(() => scene.processes.length === 3, 'one begins in the place of the second');
});

test('a change of modules leaves the place of one that has just died to its successor', async (t) => {
  let end = (_hasHeld: boolean): void => undefined;
  const scene = crewOf(t, 2, new Promise((resolve) => (end = resolve)));
  for (const one of scene.processes) one.isReady();
  processAt(scene, 0).ends(null, 'SIGKILL');

  scene.crew.renew('tasks.ts');
  assert.equal(scene.processes.length, 3);
  end(true);

  await until(() => scene.processes.length === 4, 'one begins in the place of the dead');
  assert.equal(scene.crew.isComplete, true);
});

test('a child that dies as soon as it is ready is replaced at once where it held a job, and else ever more slowly', async (t) => {
  for (const [hasHeld, first, second] of [
    [true, 'starts now', 'starts now'],
    [false, 'starts in 100 ms', 'starts in 200 ms'],
  ] as const) {
    const scene = crewOf(t, 2, Promise.resolve(hasHeld));
    for (const one of scene.processes) one.isReady();

    processAt(scene, 0).ends(1);
    processAt(scene, 1).ends(1);
    await until(() => scene.said.length === 2, 'both ends are told');

    assert.match(scene.said[0] ?? '', new RegExp(first));
    assert.match(scene.said[1] ?? '', new RegExp(second));
    t.mock.restoreAll();
  }
});

test('a child that ended by itself soon and without a job has the log ask for process.exit(), and no other end does', async (t) => {
  const cases = [
    [
      false,
      0,
      null,
      /exited with 0; a new one starts in 100 ms\. It ended by itself without a job: does a task module call process\.exit\(\)/,
    ],
    [true, 0, null, /exited with 0; a new one starts now$/],
    [false, 75, null, /exited with 75; a new one starts in 100 ms$/],
    [false, null, 'SIGKILL', /was killed by SIGKILL; a new one starts in 100 ms$/],
  ] as const;
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  for (const [hasHeld, code, signal, said] of cases) {
    const scene = crewOf(t, 1, Promise.resolve(hasHeld));
    processAt(scene, 0).isReady();
    nowMs += 4_999;

    processAt(scene, 0).ends(code, signal);
    await new Promise(setImmediate);

    assert.match(scene.said[0] ?? '', said);
  }
});

test('a burst waits for a child that starts later only while none was ever ready', async (t) => {
  const scene = crewOf(t, 2, Promise.resolve(false));
  processAt(scene, 0).ends(1);
  await until(() => scene.said.length === 1, 'its end is told');
  assert.equal(scene.crew.isComplete, false);

  processAt(scene, 1).isReady();

  assert.equal(scene.crew.isComplete, true);
});

test('a child that was idle for a while is replaced at once', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const scene = crewOf(t, 1, Promise.resolve(false));
  processAt(scene, 0).isReady();

  nowMs = 60_000;
  processAt(scene, 0).ends(null, 'SIGKILL');
  await new Promise(setImmediate);

  assert.match(scene.said[0] ?? '', /starts now/);
});

describe('a child dies', () => {
  const leave = (crew: Crew, one: FakeProcess): void => {
    one.says('retiring', { why: 'enough' });
    one.says('bye');
  };
  const ways: readonly [
    how: string,
    cause: string,
    act: (crew: Crew, one: FakeProcess) => void,
    code: number | null,
  ][] = [
    ['by itself', 'crashed', () => undefined, 1],
    ['with a bye that nobody had asked for', 'crashed', (_, one) => one.says('bye'), 0],
    ['in order', 'parted', leave, 0],
    ['after its bye', 'crashed', leave, 1],
    ['because it was stopped', 'stopped', (crew) => crew.end('stopping'), 0],
    [
      'because its job was revoked so',
      'revoked',
      (crew) => crew.children.forEach((child) => crew.terminate(child, 'id')),
      null,
    ],
  ];

  for (const [how, cause, act, code] of ways) {
    test(how, (t) => {
      const scene = crewOf(t, 1);
      const one = processAt(scene, 0);
      one.isReady();

      act(scene.crew, one);
      one.ends(code, code === null ? 'SIGKILL' : null);

      assert.deepEqual(scene.causes, [cause]);
    });
  }
});

for (const phase of ['draining', 'stopping'] as const) {
  test(`the keeper is told before a worker is ${phase} that its children take no more jobs`, (t) => {
    const scene = crewOf(t, 2);
    for (const one of scene.processes) one.isReady();

    scene.crew.end(phase);

    assert.deepEqual(
      scene.left,
      scene.processes.map(({ pid }) => pid),
    );
  });
}

test('a child that is not ready is not waited for in a drain', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const kill = t.mock.method(process, 'kill', () => true);
  const scene = crewOf(t, 2);
  processAt(scene, 0).isReady();

  scene.crew.end('draining');
  t.mock.timers.tick(4_999);
  assert.equal(kill.mock.callCount(), 0);
  t.mock.timers.tick(1);

  assert.deepEqual(kill.mock.calls[0]?.arguments, [-processAt(scene, 1).pid, 'SIGKILL']);
  assert.equal(kill.mock.callCount(), 1);
});

test('its end comes once the last child has ended and what it held is recovered', async (t) => {
  let recovered = (_hasHeld: boolean): void => undefined;
  const last = new Promise<boolean>((resolve) => (recovered = resolve));
  const scene = crewOf(t, 2, Promise.resolve(false), last);
  let hasEnded = false;
  void scene.crew.ended.then(() => (hasEnded = true));

  scene.crew.end('draining');
  processAt(scene, 0).ends(0);
  processAt(scene, 1).ends(0);
  await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  recovered(true);

  await until(() => hasEnded, 'the end is told');
});

test('the first SIGTERM or SIGINT drains, the second stops, SIGQUIT stops at once', () => {
  assert.equal(phaseAfter('running', 'SIGTERM'), 'draining');
  assert.equal(phaseAfter('running', 'SIGINT'), 'draining');
  assert.equal(phaseAfter('draining', 'SIGTERM'), 'stopping');
  assert.equal(phaseAfter('running', 'SIGQUIT'), 'stopping');
});

test('SIGHUP drains, and the one that follows it when a terminal is closed changes nothing', () => {
  assert.equal(phaseAfter('running', 'SIGHUP'), 'draining');
  assert.equal(phaseAfter('draining', 'SIGHUP'), 'draining');
  assert.equal(phaseAfter('stopping', 'SIGHUP'), 'stopping');
});

test('a job that failed makes an orderly end 1, and a forced one what it is', () => {
  assert.equal(exitCodeAfter('draining', null, true), 1);
  assert.equal(exitCodeAfter('draining', 'SIGTERM', true), 1);
  assert.equal(exitCodeAfter('stopping', 'SIGTERM', true), 143);
});

test('an orderly end is 0; a forced one is 128 and the number of the signal', () => {
  assert.equal(exitCodeAfter('draining', 'SIGTERM', false), 0);
  assert.equal(exitCodeAfter('stopping', 'SIGINT', false), 130);
  assert.equal(exitCodeAfter('stopping', 'SIGQUIT', false), 131);
  assert.equal(exitCodeAfter('stopping', 'SIGTERM', false), 143);
  assert.equal(exitCodeAfter('stopping', null, false), 0);
});
