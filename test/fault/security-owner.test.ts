/** Files of a user who has no business in the spool: they never run, are no outcomes, and nothing is written into them. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { delayedFileName, jobFileName } from '../../src/spool/layout.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { until, within } from '../support/conditions.ts';
import { job, nextId, returned, RUN } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { lacks } from '../support/needs.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { attempt, jobText, plant } from '../support/planted.ts';
import { run, tempProject } from '../support/project.ts';
import { tempDir, tempSpool } from '../support/temp.ts';

const SOMEBODY = 54_321;
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const BIN = 'node_modules/fsq/bin/fsq.js';
const DONE = { attempts: [attempt()], outcome: { state: 'succeeded', value: 1 } } as const;

/** The file of a job of another user, at the path that `place` makes of its name. */
function plantForeign(spool: string, place: (fileName: string, id: string) => string): string {
  const id = nextId();
  const fileName = jobFileName({ id, queue: 'default', priority: 0, attempt: 0, crashes: 0 });
  chownSync(plant(spool, place(fileName, id), jobText({ id })), SOMEBODY, SOMEBODY);
  return id;
}

/** Runs what is ready until `last` has run; the ids that ran. */
async function runUntil(t: TestContext, broker: Broker, last: string): Promise<readonly string[]> {
  const keeper = await broker.keeper({ queues: null });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => Promise.all([consumer.close(), keeper.close()]));
  const ran: string[] = [];
  while (!ran.includes(last)) {
    const claim = await within(consumer.next(new AbortController().signal), 'the next job');
    if (claim === null) break;
    await claim.settle(returned(null), RUN);
    ran.push(claim.job.id);
  }
  return ran;
}

describe("another user's file, in a spool of root", { skip: lacks() }, () => {
  const places: Readonly<Record<string, (spool: string) => string>> = {
    'in pending/': (spool) => plantForeign(spool, (fileName) => `pending/${fileName}`),
    'in delayed/': (spool) =>
      plantForeign(spool, (_, id) => {
        const name = { id, queue: 'default', priority: 0, attempt: 0, crashes: 0 };
        return `delayed/${delayedFileName(1, name)}`;
      }),
    'held by a dead owner': (spool) => {
      plantDeadOwner(spool, someOwner(), {});
      return plantForeign(spool, (_, id) => `running/${someOwner()}/0.${id}.default.1.0.json`);
    },
  };
  for (const [where, plantThere] of Object.entries(places)) {
    test(`${where}: set aside with a failed outcome that names the user; what waits behind it runs`, async (t) => {
      const { path, broker } = tempSpool(t);
      const bad = plantThere(path);
      const good = job();
      await broker.enqueue([good]);

      const ran = await runUntil(t, broker, good.job.id);
      const record = await within(broker.waitForOutcome(bad, new AbortController().signal, true), 'its outcome');

      assert.deepEqual(ran, [good.job.id]);
      assert(record?.outcome?.state === 'failed');
      assert.match(record.outcome.error.message, /belongs to user 54321, who is neither the spool's user nor root/);
      await until(() => namesIn(path, 'corrupt').length > 0, 'it is moved aside');
      const [aside = ''] = namesIn(path, 'corrupt');
      assert.match(aside, new RegExp(bad));
      assert.equal(lstatSync(join(path, 'corrupt', aside)).uid, SOMEBODY);
    });
  }

  test('in results/: no outcome, and who asks for it hears whose it is', async (t) => {
    const { path, broker } = tempSpool(t);
    const id = nextId();
    chownSync(plant(path, `results/${id}.json`, jobText({ id }, DONE)), SOMEBODY, SOMEBODY);

    const expected = { code: 'FSQ_CORRUPT_JOB', message: /belongs to user 54321/ };
    await assert.rejects(broker.outcome(id), expected);
    await assert.rejects(broker.waitForOutcome(id, new AbortController().signal, false), expected);

    await broker.list(['results'], 10);
  });

  test('in spare/: no job is written into it', async (t) => {
    const { path, broker } = tempSpool(t);
    const batch = Array.from({ length: 20 }, (_, i) => plant(path, `spare/batch/${i}`, 'old'));
    for (const file of batch.slice(10)) chownSync(file, SOMEBODY, SOMEBODY);

    for (let i = 0; i < 8; i++) await broker.enqueue(Array.from({ length: 10 }, () => job()));

    const pending = readdirSync(join(path, 'pending')).map((name) => lstatSync(join(path, 'pending', name)));
    assert.equal(pending.length, 80);
    assert.deepEqual(
      pending.filter(({ uid }) => uid !== 0),
      [],
    );
    const inodes = readdirSync(path, { recursive: true }).map((name) => lstatSync(join(path, String(name))));
    assert.equal(inodes.filter(({ uid }) => uid === SOMEBODY).length, 0, 'they were left in the way');
  });

  test('where unsafe places are allowed: runs, and its outcome counts', async (t) => {
    const path = join(tempDir(t), 'spool');
    const broker = openSpool({ path, allowUnsafe: true });
    t.after(() => broker.close());
    const foreign = plantForeign(path, (fileName) => `pending/${fileName}`);

    const ran = await runUntil(t, broker, foreign);

    assert.deepEqual(ran, [foreign]);
    assert.equal((await broker.outcome(foreign))?.outcome?.state, 'succeeded');
    await assert.rejects(openSpool({ path, mustExist: true }).outcome(foreign), { code: 'FSQ_CORRUPT_JOB' });
  });
});

test(
  "a user's spool: a job that root put there runs, and root may read the outcome of either",
  { skip: lacks('setpriv') },
  async (t) => {
    const at = tempProject(t, {
      'tasks.js': `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);`,
    });
    chownSync(at.path, NOBODY, NOBODY);
    const asNobody = (...args: readonly string[]): ReturnType<typeof run> =>
      run(at, 'setpriv', [...AS_NOBODY.slice(1), process.execPath, BIN, ...args]);
    const mine = (await asNobody('call', 'add', '1', '2')).stdout.trim();
    const theirs = nextId();
    const file = plant(
      at.spool,
      `pending/5.${theirs}.default.0.0.json`,
      jobText({ id: theirs, task: 'add', args: [2, 3] }),
    );
    chmodSync(file, 0o666);

    const worker = await asNobody('worker', '--burst', '-c', '1');
    const values = await Promise.all([mine, theirs].map((id) => run(at, process.execPath, [BIN, 'get', id])));

    assert.equal(worker.code, 0, worker.stderr);
    assert.deepEqual(
      values.map(({ stdout }) => stdout),
      ['3\n', '5\n'],
    );
  },
);
