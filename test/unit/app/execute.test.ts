import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { execute, type Executor } from '../../../src/app/execute.ts';
import { registry } from '../../../src/app/registry.ts';
import { Run } from '../../../src/app/current-job.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import { createApp } from '../../../src/index.ts';
import type { Ending } from '../../../src/job/lifecycle.ts';
import { job, NOTHING_BESIDE } from '../../support/factory.ts';
import { tempDir } from '../../support/temp.ts';

/* eslint-disable unicorn/no-thenable -- what a task returns may be one */
const EXECUTOR: Executor = {
  texts: { stacks: true, redact: null },
  timeLimits: { timeLimitMs: null, softTimeLimitMs: null },
  limitKeepers: { begun: () => undefined, ended: () => undefined },
};

const RETURNED: readonly [what: string, returned: () => unknown, value: unknown][] = [
  ['a promise', async () => 1, 1],
  ['a thenable', () => ({ then: (resolve: (value: unknown) => void) => resolve(2) }), 2],
  [
    'a thenable that is a function',
    () => Object.assign(() => 0, { then: (resolve: (value: unknown) => void) => resolve(3) }),
    3,
  ],
  ['a thenable of a thenable', () => ({ then: (resolve: (value: unknown) => void) => resolve(Promise.resolve(4)) }), 4],
  ['data with a `then` that is none', () => ({ then: 5 }), { then: 5 }],
  ['a property that is undefined', () => ({ a: undefined, b: -0 }), { b: 0 }],
];
for (const [what, returned, value] of RETURNED) {
  test(`${what} is the same value in a worker, with alwaysEager and by run()`, async (t) => {
    const { task } = tempApp(t);
    const give = task<[], unknown>('give', returned);

    const ending = await execute(claimOf('give'), new Run(null), EXECUTOR);
    const eager = await (await give.delay()).get();
    const here = await give.run();

    assert.deepEqual(JSON.parse(JSON.stringify(valueOf(ending))), value);
    assert.deepEqual(eager, value);
    assert.equal(JSON.stringify(here), JSON.stringify(value));
  });
}

test('a result is kept as it was when the task returned it', async (t) => {
  const cache = { rows: [1] };
  tempApp(t).task('cached', () => cache);

  const ending = await execute(claimOf('cached'), new Run(null), EXECUTOR);
  cache.rows.push(2);

  assert.deepEqual(valueOf(ending), { rows: [1] });
});

function valueOf(ending: Ending): unknown {
  return ending.kind === 'returned' ? ending.value : assert.fail(JSON.stringify(ending));
}

function claimOf(name: string): Claim {
  const { job: record, queue, priority } = job({ task: name });
  const standing = { queue, priority, attempt: 1, crashes: 0 };
  return {
    job: record,
    standing,
    attempts: [],
    ...NOTHING_BESIDE,
    settle: () => assert.fail('nothing is settled here'),
  };
}

function tempApp(t: TestContext): ReturnType<typeof createApp> {
  t.after(() => registry().tasks.clear());
  return createApp({ spool: join(tempDir(t), 'spool'), alwaysEager: true });
}
