/** What a worker does once, and only it can do, such as to say how its child ended: refused by the disk, it is done a little later. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import type { BrokerEvent, EndedRun, Keeper } from '../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../src/spool/disk/files.ts';
import { jobFileName } from '../../../src/spool/layout.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { CHILD_SIDE } from '../../support/child-side.ts';
import { elapsedTime } from '../../support/clock.ts';
import { until } from '../../support/conditions.ts';
import { jobRecord, nextId } from '../../support/factory.ts';
import { systemError } from '../../support/faulty-files.ts';
import { namesIn } from '../../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../../support/owners.ts';
import { tempSpool } from '../../support/temp.ts';
import { plantParked } from '../../fault/ops/planting.ts';

const CHILD = someOwner(1);
/** An entry that was refused is left alone for so long, ms. */
const LEFT_ALONE_MS = 1_001;
/** More often than a recovery is tried while its caller waits. */
const LONG = 21;

describe('a child was killed at the time limit of its job; that job fails for it, and the other is not blamed for a crash', () => {
  const refusals: readonly (readonly [what: string, of: RegExp, errno: string, times: number])[] = [
    ...['EACCES', 'EPERM', 'EROFS'].flatMap((errno) => [
      [`its directory is refused with ${errno}`, new RegExp(`/running/${CHILD}$`), errno, 1] as const,
      [`each of its jobs is refused with ${errno}`, new RegExp(`/running/${CHILD}~[^/]+/`), errno, 2] as const,
    ]),
    ['the disk is full for long', new RegExp(`/running/${CHILD}$`), 'ENOSPC', LONG],
  ];
  for (const [what, of, errno, times] of refusals) {
    test(`although ${what}`, async (t) => {
      const time = elapsedTime(t);
      const { path, keeper, hasRefused } = await refusing(t, of, errno, times);
      const [late, other] = [nextId(), nextId()];
      plantDeadOwner(path, CHILD, { [heldName(late)]: textOf(late), [heldName(other)]: textOf(other) });
      keeper.join(CHILD, CHILD_SIDE);
      const run: EndedRun = { id: late, startedAtMs: 1, ending: { kind: 'timed-out', limitMs: 1_000 }, defaults: {} };

      await keeper.recover(CHILD, 'stopped', run);
      await until(() => {
        time.skip(LEFT_ALONE_MS);
        return namesIn(path, 'running').every((name) => !name.startsWith(CHILD));
      }, 'both jobs are taken back');

      assert.ok(hasRefused());
      const broker = openSpool({ path });
      const outcome = (await broker.outcome(late))?.outcome;
      assert.equal(outcome?.state === 'failed' && outcome.error.name, 'TimeLimitError');
      assert.equal((await broker.find(other))?.standing.crashes, 0);
    });
  }
});

describe('a worker has come that knows the task of parked jobs: others hear of it, and the jobs are ready', () => {
  const refusals: readonly (readonly [what: string, of: RegExp])[] = [
    ['what it says of itself', /\/tmp\/[^/]+$/],
    ['a parked job', /\/delayed\/[^/]+$/],
  ];
  for (const [what, of] of refusals) {
    for (const errno of ['EACCES', 'EPERM', 'EROFS']) {
      test(`although ${what} is refused with ${errno}`, async (t) => {
        const time = elapsedTime(t);
        const { path, keeper, events, start, hasRefused } = await refusing(t, of, errno, 0);
        plantParked(path);
        start(1);

        keeper.know(['echo']);
        await until(hasRefused, 'it is refused');
        time.skip(LEFT_ALONE_MS);
        await until(() => namesIn(path, 'pending').length === 2, 'the jobs are ready');

        const owners = await openSpool({ path }).owners();
        assert.deepEqual(
          owners.map(({ tasks }) => tasks),
          [['echo']],
        );
        assert.equal(events.filter(({ kind }) => kind === 'refused').length, 1);
      });
    }
  }
});

interface Refusing {
  readonly path: string;
  readonly keeper: Keeper;
  readonly events: readonly BrokerEvent[];
  /** From now on so many renames are refused. */
  readonly start: (times: number) => void;
  readonly hasRefused: () => boolean;
}

/** A keeper on a disk that refuses the first `times` renames of a path like `of`. */
async function refusing(t: TestContext, of: RegExp, errno: string, times: number): Promise<Refusing> {
  let left = times;
  let hasRefused = false;
  const rename: Files['rename'] = (from, to) => {
    if (left > 0 && of.test(from)) {
      left--;
      hasRefused = true;
      throw systemError(errno, 'rename');
    }
    nodeFiles.rename(from, to);
  };
  const { path, broker } = tempSpool(t, { fsync: false, files: { ...nodeFiles, rename } });
  const events: BrokerEvent[] = [];
  const keeper = await broker.keeper({ queues: null, onEvent: (event) => events.push(event) });
  t.after(() => keeper.close());
  return { path, keeper, events, start: (count) => (left = count), hasRefused: () => hasRefused };
}

/** What the first attempt of `id` is held as. */
function heldName(id: string): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt: 1, crashes: 0 });
}

function textOf(id: string): string {
  return encodeBase(jobRecord({ id, options: { retries: 0, timeLimitMs: 1_000 } }));
}
