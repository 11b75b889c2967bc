/** After a power cut only what it has made itself is removed; a broken file that somebody wrote is kept. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { originOf } from '../../../../src/spool/journal/broken-files.ts';
import { replay } from '../../../../src/spool/journal/replay.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf } from '../../../support/context.ts';
import { job, returned } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { segmentPaths, sendInEarlierBoot } from '../../../support/journal.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { someOwner } from '../../../support/owners.ts';
import { tempDir } from '../../../support/temp.ts';

/** Two sectors and a little. */
const sent = job({ args: ['x'.repeat(1_200)] });
const { id } = sent.job;
const base = encodeBase(sent.job);
const earlier = job({ enqueuedAtMs: 1_000, args: ['y'.repeat(1_200)] });
const ended = `${encodeBase(earlier.job).slice(0, -1)}${encodeTail(
  [{ attempt: 1, endedAtMs: 2_000, owner: someOwner() }],
  { outcome: { state: 'succeeded', value: 1 }, standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 } },
)}`;

describe('a power cut alone leaves', () => {
  const made: readonly (readonly [what: string, bytes: string | Buffer])[] = [
    ['nothing', ''],
    ['zeros', Buffer.alloc(base.length)],
    ['its first sectors, then zeros', Buffer.concat([Buffer.from(base.slice(0, 512)), Buffer.alloc(700)])],
    ['its first sectors', base.slice(0, 1_024)],
    ['its first bytes', base.slice(0, 6)],
  ];
  for (const [what, bytes] of made) test(what, () => assert.equal(originOf(Buffer.from(bytes), id), 'cut'));

  const again: readonly (readonly [what: string, bytes: string | Buffer])[] = [
    ['an earlier job', ended],
    ['an earlier job, cut to the length of this one', ended.slice(0, base.length)],
    ['a sector of an earlier job, then itself', ended.slice(0, 512) + base.slice(512)],
  ];
  for (const [what, bytes] of again)
    test(`${what}, where the file was used before`, () =>
      assert.deepEqual(originOf(Buffer.from(bytes), id), { earlier: earlier.job.id }));
});

describe('somebody wrote', () => {
  const written: readonly (readonly [what: string, bytes: string | Buffer])[] = [
    ['a job of a newer format', base.replace('"v":1', '"v":2')],
    ['no object', '[1, 2, 3]'],
    ['a job without a task', JSON.stringify({ v: 1, id, args: [] })],
    ['a job whose arguments are none', base.replace('"args":[', '"args":{"0":').replace('],"enq', '},"enq')],
    ['what is no JSON', "{'task': 'add'}"],
    ['what is no JSON, as fsq begins it', base.replace('"options"', 'options')],
    ['what ends in a comma', '{"task":"add","args":[1,2],}\n'],
    ['its beginning, in another order', '{"task":"add","arg'],
    ['text in UTF-16', Buffer.from(base, 'utf16le')],
    ['text with a NUL', 'task: add\0'],
    ['more than a job may hold', `{"v":1,"id":"${id}","task":"add","args":["${'x'.repeat(9_437_184)}"]}`],
  ];
  for (const [what, bytes] of written) test(what, () => assert.equal(originOf(Buffer.from(bytes), id), 'written'));
});

function newSpool(t: TestContext): string {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  return path;
}

const nameOf = ({ job: { id }, queue, priority }: NewJob): string =>
  jobFileName({ id, queue, priority, attempt: 0, crashes: 0 });

function write(spool: string, of: NewJob, bytes: string): void {
  writeFileSync(join(spool, 'pending', nameOf(of)), bytes, { mode: 0o600 });
}

test('what another program wrote ends as it does anywhere else: with a failed outcome, and its file in corrupt/', async (t) => {
  const spool = newSpool(t);
  const whole = job();
  await sendInEarlierBoot(spool, whole);
  const [newer, noJob, copy, torn, reused] = [job(), job(), job(), job(), job()];
  write(spool, newer, encodeBase(newer.job).replace('"v":1', '"v":2'));
  write(spool, noJob, 'task: add\n');
  write(spool, copy, encodeBase(whole.job));
  write(spool, torn, encodeBase(torn.job).slice(0, 40));
  write(spool, reused, ended);

  const { dropped } = await replay(contextOf(spool));

  assert.equal(dropped, 2);
  const broker = openSpool({ path: spool });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await nextWithin(consumer, 10_000);
  await claim?.settle(returned(1), null);
  const enough = new AbortController();
  const next = consumer.next(enough.signal);
  await until(() => namesIn(spool, 'corrupt').length === 3, 'what is no job is set aside');
  enough.abort();
  assert.equal(await next, null);
  for (const { job: broken } of [newer, noJob, copy]) {
    const outcome = (await broker.outcome(broken.id))?.outcome;
    assert.equal(outcome?.state === 'failed' ? outcome.error.name : outcome?.state, 'CorruptJobError');
  }
  for (const { job: cut } of [torn, reused]) assert.equal(await broker.find(cut.id), null, 'nobody was told of it');
  assert.deepEqual(
    namesIn(spool, 'corrupt').map((name) => readFileSync(join(spool, 'corrupt', name), 'utf8').slice(0, 9)),
    ['{"v":2,"i', 'task: add', '{"v":1,"i'],
  );
});

describe('as long as not all of the journal could be read, no broken file is removed:', () => {
  for (const [what, spoil] of [
    ['a segment is garbage', (folder) => writeFileSync(join(folder, 'garbage'), 'g'.repeat(600))],
    ['one is of a newer format', (folder) => writeFileSync(join(folder, 'newer'), 'fsq-journal 2 x'.padEnd(600))],
    ['one is a folder', (folder) => mkdirSync(join(folder, 'folder'))],
  ] as const satisfies readonly (readonly [string, (folder: string) => void])[])
    test(what, async (t) => {
      const spool = newSpool(t);
      const [whole, torn, recorded] = [job(), job(), job()];
      await sendInEarlierBoot(spool, whole, recorded);
      spoil(dirname(segmentPaths(spool)[0] ?? ''));
      write(spool, torn, '');
      write(spool, recorded, '');

      const { restored, dropped, odd } = await replay(contextOf(spool));

      assert.deepEqual([restored, dropped, odd.length], [1, 0, 1]);
      assert.deepEqual(namesIn(spool, 'pending'), [whole, torn, recorded].map(nameOf).toSorted());
    });
});

test('a job whose file may not be read for a moment, whichever, is not taken for broken', async (t) => {
  for (let nth = 1, isOver = false; !isOver; nth++) {
    const spool = newSpool(t);
    const [synced, recorded] = [job(), job()];
    await sendInEarlierBoot(spool, recorded);
    write(spool, synced, encodeBase(synced.job));
    let opens = 0;
    const refusing: Files['open'] = (path, ...how) => {
      if (path.includes('/pending/5.') && how[0] === 'read' && ++opens === nth)
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      return nodeFiles.open(path, ...how);
    };

    await replay(contextOf(spool, { files: { ...nodeFiles, open: refusing } }));

    assert.deepEqual(namesIn(spool, 'pending'), [synced, recorded].map(nameOf).toSorted(), `refused at ${nth}`);
    isOver = opens < nth;
  }
});
