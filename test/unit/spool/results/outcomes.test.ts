/** Waiting for an outcome never misses it, wherever between its steps the outcome comes. */
import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { describe, type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { UnknownJobError } from '../../../../src/job/errors.ts';
import type { JobRecord } from '../../../../src/job/job.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { locate } from '../../../../src/spool/locate.ts';
import { OutcomeWatch } from '../../../../src/spool/results/outcomes.ts';
import { elapsedTime } from '../../../support/clock.ts';
import { within } from '../../../support/conditions.ts';
import { contextOf } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempSpool } from '../../../support/temp.ts';

const never = (): AbortSignal => new AbortController().signal;

describe('an outcome that is published', () => {
  const moments = ['watch', 'open', 'exists', 'directoryStamp', 'close'] as const;
  for (const operation of moments) {
    for (const moment of ['before', 'after'] as const) {
      test(`just ${moment} the wait calls ${operation} is found`, async (t) => {
        const act: { now: (() => void) | null } = { now: null };
        const real = nodeFiles[operation] as (...args: unknown[]) => unknown;
        const files = {
          ...nodeFiles,
          [operation]: (...args: unknown[]) => {
            const publish = act.now;
            act.now = null;
            if (moment === 'before') publish?.();
            try {
              return real(...args);
            } finally {
              if (moment === 'after') publish?.();
            }
          },
        } as Files;
        const { path, broker } = tempSpool(t, { files });
        const sent = job();
        await broker.enqueue([sent]);
        act.now = () => publishByHand(path, sent.job.id);

        const waiting = broker.waitForOutcome(sent.job.id, never(), true);
        // Operations that this wait does not need: then it is published while it waits.
        setImmediate(() => act.now?.());

        assert.equal(valueOf(await within(waiting, 'the outcome')), sent.job.id);
      });
    }
  }
});

test('an outcome that is there already is given without waiting for a watch or a poll', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  publishByHand(path, sent.job.id);

  const first = await Promise.race([broker.waitForOutcome(sent.job.id, never(), true), nextTurn('nothing yet')]);

  assert.notEqual(first, 'nothing yet');
});

test('a wait that comes before the outcome tries to open nothing: the error would cost more than the wait', async (t) => {
  const opened: string[] = [];
  const open: Files['open'] = (path, access) => {
    opened.push(path);
    return nodeFiles.open(path, access);
  };
  const { path, broker } = tempSpool(t, { files: { ...nodeFiles, open } });
  const sent = job();
  await broker.enqueue([sent]);
  opened.length = 0;

  const waiting = broker.waitForOutcome(sent.job.id, null, true);
  await nextTurn();
  assert.deepEqual(opened, []);
  publishByHand(path, sent.job.id);

  assert.equal(valueOf(await within(waiting, 'the outcome')), sent.job.id);
});

describe('without a watch an outcome is found all the same', () => {
  const broken: readonly [string, Files['watch']][] = [
    [
      'when there are no instances left',
      () => {
        throw systemError('EMFILE', 'watch');
      },
    ],
    ['when it never tells anything', () => ({ close: () => undefined })],
    [
      'when it breaks at once',
      (_path, _onEvent, onError) => {
        setImmediate(() => onError(systemError('ENOSPC', 'watch')));
        return { close: () => undefined };
      },
    ],
    [
      'when it tells of everything without a name',
      (path, onEvent, onError) => nodeFiles.watch(path, () => onEvent(null), onError),
    ],
  ];
  for (const [what, watch] of broken) {
    test(what, async (t) => {
      const { path, broker } = tempSpool(t, { files: { ...nodeFiles, watch } });
      await assertFoundByWaiting(t, path, broker);
    });
  }

  test('with FSQ_WATCH=0', async (t) => {
    process.env['FSQ_WATCH'] = '0';
    t.after(() => delete process.env['FSQ_WATCH']);
    let watches = 0;
    const files: Files = {
      ...nodeFiles,
      watch: (...args) => {
        watches++;
        return nodeFiles.watch(...args);
      },
    };
    const { path, broker } = tempSpool(t, { files });

    await assertFoundByWaiting(t, path, broker);

    assert.equal(watches, 0);
  });
});

test('many wait for many outcomes, some for the same, some give up: each gets its own', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const jobs = Array.from({ length: 100 }, () => job());
  await broker.enqueue(jobs);
  const stops = jobs.map(() => new AbortController());
  const waits = jobs.flatMap(({ job: { id } }, i) => [
    broker.waitForOutcome(id, never(), true),
    broker.waitForOutcome(id, stops[i]?.signal ?? never(), true),
    broker.waitForOutcome(id, never(), false),
  ]);
  for (const stop of stops) stop.abort();

  for (const { job: sent } of jobs.toReversed()) publishByHand(path, sent.id);
  const records = await within(Promise.all(waits), 'all outcomes');

  jobs.forEach(({ job: { id } }, i) => {
    assert.deepEqual(records.slice(3 * i, 3 * i + 3).map(valueOf), [id, undefined, id]);
  });
});

test('one watch serves all who wait', async (t) => {
  let open = 0;
  const files: Files = {
    ...nodeFiles,
    watch: (...args) => {
      open++;
      return nodeFiles.watch(...args);
    },
  };
  const { path, broker } = tempSpool(t, { files, fsync: false });
  const jobs = Array.from({ length: 20 }, () => job());
  await broker.enqueue(jobs);

  const waits = jobs.map((sent) => broker.waitForOutcome(sent.job.id, never(), true));
  for (const sent of jobs) publishByHand(path, sent.job.id);
  await Promise.all(waits);

  assert.equal(open, 1);
});

test('who waits for a job that vanishes is told, and does not wait for ever', async (t) => {
  const time = elapsedTime(t);
  const { path, broker } = tempSpool(t);
  const [gone, kept] = [job(), job()];
  await broker.enqueue([gone, kept]);
  const stop = new AbortController();
  const waiting = broker.waitForOutcome(gone.job.id, never(), true);
  const other = broker.waitForOutcome(kept.job.id, stop.signal, true);
  rmSync(join(path, 'pending', `5.${gone.job.id}.default.0.0.json`));

  time.skip(31_000);

  await assert.rejects(within(waiting, 'the error'), UnknownJobError);
  stop.abort();
  assert.equal(await other, null);
});

test('when the spool itself is gone, all who wait are told', async (t) => {
  const { path, broker } = tempSpool(t);
  const jobs = [job(), job()];
  await broker.enqueue(jobs);
  const waits = jobs.map((sent) => broker.waitForOutcome(sent.job.id, never(), true));

  renameSync(path, `${path}-moved`);

  for (const wait of waits) await assert.rejects(within(wait, 'the error'), { code: 'FSQ_SPOOL_GONE' });
});

test('an outcome whose id is another is not given out', async (t) => {
  const { path, broker } = tempSpool(t);
  const [id, other] = [nextId(), nextId()];
  publishByHand(path, other, `results/${id}.json`);

  await assert.rejects(broker.outcome(id), { code: 'FSQ_CORRUPT_JOB' });
});

/** Renamed into results/, as every outcome is. */
function publishByHand(path: string, id: string, target = `results/${id}.json`): void {
  const standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
  const tail = encodeTail([{ attempt: 1, endedAtMs: 1, owner: 'x' }], {
    outcome: { state: 'succeeded', value: id },
    standing,
  });
  const draft = join(path, 'tmp', `by-hand-${id}`);
  writeFileSync(draft, encodeBase(job({ id }).job).slice(0, -1) + tail, { mode: 0o600 });
  renameSync(draft, join(path, target));
}

function valueOf(record: JobRecord | null): unknown {
  return record?.outcome?.state === 'succeeded' ? record.outcome.value : undefined;
}

async function assertFoundByWaiting(
  _t: TestContext,
  path: string,
  broker: ReturnType<typeof tempSpool>['broker'],
): Promise<void> {
  const sent = job();
  await broker.enqueue([sent]);
  const waiting = broker.waitForOutcome(sent.job.id, never(), true);
  await new Promise(setImmediate);

  publishByHand(path, sent.job.id);

  assert.equal(valueOf(await within(waiting, 'the outcome')), sent.job.id);
}

test('many waits that begin together, for jobs that may not be there, search the store once', async (t) => {
  const { path, broker } = tempSpool(t);
  const context = contextOf(path);
  const sent = Array.from({ length: 300 }, () => job());
  await broker.enqueue(sent);
  const searches: number[] = [];
  const watch = new OutcomeWatch(context, async (ids) => {
    searches.push(ids.size);
    return locate(context, ids);
  });
  t.after(() => watch.close());
  const nobody = nextId();

  const waits = [...sent.map(({ job: { id } }) => id), nobody].map((id) => watch.wait(id, AbortSignal.abort(), false));
  const ends = await Promise.allSettled(waits);

  assert.deepEqual(searches, [301]);
  const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  assert.ok(refused.length === 1 && refused[0] instanceof UnknownJobError && refused[0].id === nobody);
  await watch.wait(sent[0]?.job.id ?? '', AbortSignal.abort(), false);
  assert.deepEqual(searches, [301, 1]);
});
