/** What lies where a job should and is none: files that are named like jobs, and folders in the way of a rename. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { renameOver } from '../../../../src/spool/job-file/set-aside.ts';
import { until, within } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, nextId, returned, RUN } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../../../support/owners.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';

type Plant = (path: string, outside: string) => void;

const PLANTS: readonly [what: string, plant: Plant, reason: RegExp][] = [
  ['garbage', (path) => writeFileSync(path, 'garbage'), /not JSON/],
  ['an empty file', (path) => writeFileSync(path, ''), /empty/],
  ['bytes that are not UTF-8', (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), /not UTF-8/],
  ['JSON that is no job', (path) => writeFileSync(path, '[1,2]'), /not an object/],
  ['a job of a format to come', (path) => writeFileSync(path, '{"v":2,"task":"a"}'), /format is 2/],
  ['a job with another id', (path) => writeFileSync(path, `{"task":"a","id":"${nextId()}"}`), /its id is/],
  ['a directory', (path) => mkdirSync(path), /not a regular file/],
  [
    'a directory that is not empty',
    (path) => (mkdirSync(path), writeFileSync(join(path, 'x'), '')),
    /not a regular file/,
  ],
  ['a symbolic link', (path, outside) => symlinkSync(outside, path), /symbolic link/],
  ['a symbolic link to nothing', (path) => symlinkSync('/nowhere/at/all', path), /symbolic link/],
  ['a symbolic link to itself', (path) => symlinkSync(path, path), /symbolic link/],
  ['a FIFO', (path) => execFileSync('mkfifo', [path]), /not a regular file/],
  ['a hard link', (path, outside) => linkSync(outside, path), /2 links/],
  [
    'a sparse file of 2 GiB',
    (path) => (writeFileSync(path, ''), truncateSync(path, 2 ** 31)),
    /2147483648 bytes, more than/,
  ],
];

describe('in pending/, while a good job waits behind it:', () => {
  for (const [what, plant, reason] of PLANTS) {
    test(`${what} is moved aside, with a failed outcome; the good job runs`, async (t) => {
      const { path, broker } = tempSpool(t);
      const { outside, before } = outsider(t);
      const bad = nextId();
      plant(join(path, 'pending', nameOf(bad)), outside);
      const good = job();
      await broker.enqueue([good]);
      const events: BrokerEvent[] = [];
      const consumer = await broker.consumer({ queues: null, tasks: [], onEvent: (event) => events.push(event) });
      t.after(() => consumer.close());

      const claim = await within(consumer.next(new AbortController().signal), 'the good job');

      assert.equal(claim?.job.id, good.job.id);
      await claim?.settle(returned(null), RUN);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['corrupt'],
      );
      const outcome = (await broker.outcome(bad))?.outcome;
      assert.ok(outcome?.state === 'failed');
      assert.equal(outcome.error.code, 'FSQ_CORRUPT_JOB');
      assert.match(outcome.error.message, reason);
      assert.match(outcome.error.message, /moved to .*corrupt unchanged/);
      assert.deepEqual(namesIn(path, 'corrupt'), [nameOf(bad, 1)]);
      assert.deepEqual(namesIn(path, 'pending'), []);
      assert.deepEqual(namesIn(path, 'tmp'), []);
      assert.deepEqual(outsider.look(outside), before);
    });

    test(`held by a dead owner, ${what} is moved aside by recovery`, async (t) => {
      const { path, broker } = tempSpool(t);
      const { outside, before } = outsider(t);
      const [bad, good] = [nextId(), nextId()];
      plantDeadOwner(path, someOwner(), { [nameOf(good, 1)]: '{"task":"echo"}' });
      plant(join(path, 'running', someOwner(), nameOf(bad, 1)), outside);

      await recoverOrphans(contextOf(path), recovererOf(someOwner(2)));

      assert.equal((await broker.outcome(bad))?.outcome?.state, 'failed');
      assert.equal((await broker.find(good))?.state, 'delayed');
      assert.deepEqual(namesIn(path, 'corrupt'), [nameOf(bad, 1)]);
      assert.deepEqual(namesIn(path, 'running'), []);
      assert.deepEqual(outsider.look(outside), before);
    });

    test(`in results/, ${what} is no outcome, and who waits hears it`, async (t) => {
      const { path, broker } = tempSpool(t);
      const { outside, before } = outsider(t);
      const bad = nextId();
      plant(join(path, 'results', `${bad}.json`), outside);

      await assert.rejects(broker.outcome(bad), { code: 'FSQ_CORRUPT_JOB' });
      await assert.rejects(broker.waitForOutcome(bad, new AbortController().signal, false), {
        code: 'FSQ_CORRUPT_JOB',
      });

      assert.deepEqual(outsider.look(outside), before);
    });
  }
});

test('in results/, a job without an outcome is none', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  writeFileSync(join(path, 'results', `${id}.json`), '{"task":"add"}');

  await assert.rejects(broker.outcome(id), /has no outcome/);
});

test('a symbolic link is moved itself; what it points to stays', async (t) => {
  const { path, broker } = tempSpool(t);
  const { outside, before } = outsider(t);
  const bad = nextId();
  symlinkSync(outside, join(path, 'pending', nameOf(bad)));

  await letConsumerRun(t, broker, () => namesIn(path, 'corrupt').length === 1);

  assert.equal(readlinkSync(join(path, 'corrupt', nameOf(bad, 1))), outside);
  assert.deepEqual(outsider.look(outside), before);
});

test('two broken files of one name are both kept', async (t) => {
  const { path, broker } = tempSpool(t);
  const bad = nextId();
  for (const text of ['first', 'second', 'third']) {
    writeFileSync(join(path, 'pending', nameOf(bad)), text);
    const count = namesIn(path, 'corrupt').length;
    await letConsumerRun(t, broker, () => namesIn(path, 'corrupt').length === count + 1);
  }

  const texts = namesIn(path, 'corrupt').map((name) => readFileSync(join(path, 'corrupt', name), 'utf8'));
  assert.deepEqual(texts.toSorted(), ['first', 'second', 'third']);
});

test('a job that may not be opened is moved aside', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  faulty.plan({ operation: 'open', call: 1, errno: 'EACCES', lasts: 'once' });
  const stop = new AbortController();

  const next = consumer.next(stop.signal);
  await until(() => namesIn(path, 'corrupt').length === 1, 'the file is moved aside');
  stop.abort();
  await next;

  const outcome = (await broker.outcome(sent.job.id))?.outcome;
  assert.ok(outcome?.state === 'failed');
  assert.match(outcome.error.message, /may not be read/);
});

test('a broken file of a job that has ended changes nothing of its outcome', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  await (await consumer.next(new AbortController().signal))?.settle(returned('good'), RUN);
  const before = readFileSync(join(path, 'results', `${sent.job.id}.json`));
  writeFileSync(join(path, 'pending', nameOf(sent.job.id)), 'forged');

  await letConsumerRun(t, broker, () => namesIn(path, 'corrupt').length === 1);

  assert.deepEqual(readFileSync(join(path, 'results', `${sent.job.id}.json`)), before);
});

test('files that are not named like jobs are left where they are, and told of once', async (t) => {
  const { path, broker } = tempSpool(t);
  for (const name of ['README', '.hidden', 'x.json', '5.not-an-id.default.0.0.json'])
    writeFileSync(join(path, 'pending', name), '');
  mkdirSync(join(path, 'pending', 'folder'));
  const events: BrokerEvent[] = [];
  const keeper = await broker.keeper({
    queues: null,
    onEvent: (event) => events.push(event),
  });
  t.after(() => keeper.close());

  const said: unknown[] = [];
  const member = keeper.join('1-0123456789abcdef', {
    say: (word) => said.push(word),
    terminate: () => undefined,
    fence: () => undefined,
  });
  for (let i = 0; i < 3; i++) member.hear({ type: 'want', isIdle: false });
  assert.deepEqual(said, []);

  assert.equal(events.length, 5);
  assert.ok(events.every(({ kind }) => kind === 'foreign'));
  assert.equal(namesIn(path, 'pending').length, 5);
});

function nameOf(id: string, attempt = 0): string {
  return jobFileName({ id, queue: 'default', priority: 0, attempt, crashes: 0 });
}

/** A file that is none of the spool's business. */
function outsider(t: TestContext): { outside: string; before: unknown } {
  const outside = join(tempDir(t), 'precious');
  writeFileSync(outside, '{"task":"echo"}', { mode: 0o640 });
  return { outside, before: outsider.look(outside) };
}
outsider.look = (path: string): unknown => {
  const { mode, size, mtimeMs } = lstatSync(path);
  return { mode, size, mtimeMs, text: readFileSync(path, 'utf8') };
};

/** A consumer looks for jobs until `isDone`. */
async function letConsumerRun(
  t: TestContext,
  broker: ReturnType<typeof tempSpool>['broker'],
  isDone: () => boolean,
): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const stop = new AbortController();
  const next = consumer.next(stop.signal);
  await until(isDone, 'the broken file is moved aside');
  stop.abort();
  assert.equal(await next, null);
}

test('a folder that has the name is moved to corrupt/, and the rename is done', (t) => {
  const { path } = tempSpool(t);
  const [from, to] = [join(path, 'delayed/from'), join(path, 'pending/to')];
  writeFileSync(from, 'a job');
  mkdirSync(to);

  renameOver(contextOf(path), from, to);

  assert.equal(readFileSync(to, 'utf8'), 'a job');
  assert.match(namesIn(path, 'corrupt').join(), /^to\.[0-9a-f]{16}$/);
});

test('of two processes that meet the folder the slower one leaves the job where the faster one put it', (t) => {
  const { path } = tempSpool(t);
  const [from, to] = [join(path, 'delayed/from'), join(path, 'pending/to')];
  writeFileSync(from, 'a job');
  mkdirSync(to);
  let isFirst = true;
  const files: Files = {
    ...nodeFiles,
    entry: (looked) => {
      const entry = nodeFiles.entry(looked);
      if (looked === to && isFirst) {
        isFirst = false;
        rmdirSync(to);
        nodeFiles.rename(from, to);
      }
      return entry;
    },
  };

  assert.throws(() => renameOver(contextOf(path, { files }), from, to), { code: 'ENOENT' });

  assert.equal(readFileSync(to, 'utf8'), 'a job');
  assert.deepEqual(namesIn(path, 'corrupt'), []);
});
