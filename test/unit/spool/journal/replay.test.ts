import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { replay, type Replayed } from '../../../../src/spool/journal/replay.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { EARLIER_BOOT, EARLIEST_BOOT, ofBoot } from '../../../support/boots.ts';
import { contextOf } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';
import { faultyFiles, systemError } from '../../../support/faulty-files.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { foldersIn, journalIn, segmentPaths, send, sendInEarlierBoot } from '../../../support/journal.ts';
import { plantDeadOwner, someOwner } from '../../../support/owners.ts';
import { tempDir } from '../../../support/temp.ts';

function newSpool(t: TestContext): string {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  return path;
}

const nameOf = ({ job: { id }, queue, priority }: NewJob, attempt = 0): string =>
  jobFileName({ id, queue, priority, attempt, crashes: 0 });

const pathOf = (spool: string, sent: NewJob): string => join(spool, 'pending', nameOf(sent));

/** Base and outcome, as they were at `endedAtMs`. */
function ended({ job: record }: NewJob, endedAtMs: number, value: string): string {
  const tail = encodeTail([{ attempt: 1, endedAtMs, owner: someOwner() }], {
    outcome: { state: 'succeeded', value },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  });
  return encodeBase(record).slice(0, -1) + tail;
}

/** The same of a job that came too late. */
function expired({ job: record }: NewJob, endedAtMs: number): string {
  const tail = encodeTail([], {
    outcome: { state: 'expired', error: { name: 'ExpiredError', message: 'too late' } },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
    endedAtMs,
  });
  return encodeBase(record).slice(0, -1) + tail;
}

async function replayed(spool: string): Promise<Omit<Replayed, 'tookMs'>> {
  const { tookMs, ...done } = await replay(contextOf(spool));
  assert.ok(tookMs >= 0);
  assert.deepEqual(foldersIn(spool), [], 'nothing is left of an earlier boot');
  return done;
}

test('jobs that are nowhere are made again where they were to wait', async (t) => {
  const spool = newSpool(t);
  const [now, later] = [job({ args: ['é世👋'] }), job({ etaMs: 9_000_000_000_000 })];
  await sendInEarlierBoot(spool, now, later);
  const [delayed = ''] = namesIn(spool, 'delayed');
  nodeFiles.unlink(pathOf(spool, now));
  nodeFiles.unlink(join(spool, 'delayed', delayed));

  assert.deepEqual(await replayed(spool), { restored: 2, dropped: 0, odd: [] });

  assert.equal(readFileSync(pathOf(spool, now), 'utf8'), encodeBase(now.job));
  assert.equal(readFileSync(join(spool, 'delayed', delayed), 'utf8'), encodeBase(later.job));
  assertSound(spool, [now.job.id, later.job.id]);
  assert.deepEqual(namesIn(spool, 'tmp'), []);
});

describe('a file that the power cut broke is written again:', () => {
  const old = job({ enqueuedAtMs: 1_000 });
  const broken: readonly (readonly [what: string, bytes: (sent: NewJob) => string | Buffer])[] = [
    ['empty', () => ''],
    ['zeros', () => Buffer.alloc(4_096)],
    ['cut short', (sent) => encodeBase(sent.job).slice(0, 60)],
    ['an earlier job', () => ended(old, 2_000, 'old')],
    ['its base with the outcome of an earlier job', (sent) => ended(sent, 2_000, 'old')],
    ['its base with an outcome of an earlier job that no run came to', (sent) => expired(sent, 2_000)],
    ['another base under its id', (sent) => encodeBase({ ...sent.job, args: ['not these'] })],
  ];
  for (const [what, bytes] of broken)
    test(what, async (t) => {
      const spool = newSpool(t);
      const sent = job({ args: [1] });
      await sendInEarlierBoot(spool, sent);
      writeFileSync(pathOf(spool, sent), bytes(sent));

      assert.deepEqual(await replayed(spool), { restored: 1, dropped: 0, odd: [] });

      assert.equal(readFileSync(pathOf(spool, sent), 'utf8'), encodeBase(sent.job));
    });

  test('one that the disk cannot read', async (t) => {
    const spool = newSpool(t);
    const sent = job();
    await sendInEarlierBoot(spool, sent);
    const broken = lstatSync(pathOf(spool, sent)).ino;
    const read: typeof nodeFiles.read = (fd, ...rest) => {
      if (nodeFiles.info(fd).inode === broken) throw systemError('EIO', 'read');
      return nodeFiles.read(fd, ...rest);
    };

    assert.equal((await replay(contextOf(spool, { files: { ...nodeFiles, read } }))).restored, 1);

    assert.equal(readFileSync(pathOf(spool, sent), 'utf8'), encodeBase(sent.job));
  });

  test('in place, so that its counters stand', async (t) => {
    const spool = newSpool(t);
    const sent = job();
    await sendInEarlierBoot(spool, sent);
    plantDeadOwner(spool, someOwner(), { [nameOf(sent, 3)]: '' });
    nodeFiles.unlink(pathOf(spool, sent));

    await replayed(spool);

    assert.deepEqual(namesIn(spool, 'pending'), []);
    assert.equal(readFileSync(join(spool, 'running', someOwner(), nameOf(sent, 3)), 'utf8'), encodeBase(sent.job));
  });

  test('an outcome begins anew', async (t) => {
    const spool = newSpool(t);
    const sent = job();
    await sendInEarlierBoot(spool, sent);
    nodeFiles.unlink(pathOf(spool, sent));
    writeFileSync(join(spool, 'results', `${sent.job.id}.json`), '', { mode: 0o600 });

    await replayed(spool);

    assert.deepEqual(namesIn(spool, 'results'), []);
    assert.equal(readFileSync(pathOf(spool, sent), 'utf8'), encodeBase(sent.job));
  });
});

describe('a job that is whole is left as it is:', () => {
  const places: readonly (readonly [what: string, path: (sent: NewJob) => string, bytes: (sent: NewJob) => string])[] =
    [
      ['waiting', (sent) => `pending/${nameOf(sent)}`, (sent) => encodeBase(sent.job)],
      ['in its retry', (sent) => `delayed/0000000001000.${nameOf(sent, 1)}`, (sent) => ended(sent, Date.now(), 'x')],
      ['ended', (sent) => `results/${sent.job.id}.json`, (sent) => ended(sent, Date.now(), 'x')],
      [
        'with garbage behind it, which is cut',
        (sent) => `pending/${nameOf(sent)}`,
        (sent) => `${encodeBase(sent.job)}"attempts":[]}`,
      ],
      ['with a torn tail', (sent) => `pending/${nameOf(sent)}`, (sent) => ended(sent, Date.now(), 'x').slice(0, -30)],
    ];
  for (const [what, place, bytes] of places)
    test(what, async (t) => {
      const spool = newSpool(t);
      const sent = job();
      await sendInEarlierBoot(spool, sent);
      nodeFiles.unlink(pathOf(spool, sent));
      const path = join(spool, place(sent));
      const written = bytes(sent);
      writeFileSync(path, written, { mode: 0o600 });
      const { ino } = lstatSync(path);

      assert.deepEqual(await replayed(spool), { restored: 0, dropped: 0, odd: [] });

      assert.equal(lstatSync(path).ino, ino);
      assert.equal(readFileSync(path, 'utf8'), written);
    });
});

test('a broken file that no record names was never accepted: it goes, and what is older stays for others to judge', async (t) => {
  const spool = newSpool(t);
  const [sent, unrecorded, held] = [job(), job(), job()];
  const older = job({ id: nextId().replace(/^.{8}/, '01000000') });
  await sendInEarlierBoot(spool, sent);
  for (const broken of [unrecorded, older]) writeFileSync(pathOf(spool, broken), '', { mode: 0o600 });
  plantDeadOwner(spool, someOwner(), { [nameOf(held, 1)]: '{"v":1' });

  assert.deepEqual(await replayed(spool), { restored: 0, dropped: 2, odd: [] });

  assert.deepEqual(namesIn(spool, 'pending'), [nameOf(older), nameOf(sent)].toSorted());
  assert.deepEqual(namesIn(spool, `running/${someOwner()}`), []);
});

test('whole jobs that no record names run', async (t) => {
  const spool = newSpool(t);
  const [sent, other] = [job(), job()];
  await sendInEarlierBoot(spool, sent);
  writeFileSync(pathOf(spool, other), encodeBase(other.job), { mode: 0o600 });

  assert.deepEqual(await replayed(spool), { restored: 0, dropped: 0, odd: [] });

  assert.equal(namesIn(spool, 'pending').length, 2);
});

test('what is no segment is moved to corrupt/ and told, and the others are replayed', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  const folder = dirname(segmentPaths(spool)[0] ?? '');
  const outside = join(tempDir(t), 'outside');
  writeFileSync(outside, 'untouched');
  writeFileSync(join(folder, 'garbage'), 'g'.repeat(1_000));
  writeFileSync(join(folder, 'newer'), 'fsq-journal 7 and more'.padEnd(1_000));
  writeFileSync(join(folder, 'zeros'), Buffer.alloc(1_000));
  symlinkSync(outside, join(folder, 'link'));
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  symlinkSync(dirname(outside), join(spool, 'journal', 'link-to-a-folder'));
  writeFileSync(join(spool, 'journal', 'file'), 'x');

  const { restored, odd } = await replayed(spool);

  assert.equal(restored, 1);
  assert.equal(odd.length, 7);
  for (const what of [
    'garbage: it does not begin',
    'newer: it is of format 7',
    'link: it is not a plain file',
    'fifo: it is not',
  ])
    assert.ok(
      odd.some((line) => line.startsWith(what)),
      `${what}, told: ${odd.join('; ')}`,
    );
  assert.equal(namesIn(spool, 'corrupt').length, 7);
  assert.equal(readFileSync(outside, 'utf8'), 'untouched');
});

test('what the disk cannot read for good is moved to corrupt/ and told, and the others are replayed', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, job());
  const [unreadable = ''] = segmentPaths(spool);
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  const broken = lstatSync(unreadable).ino;
  let reads = 0;
  const read: typeof nodeFiles.read = (fd, ...rest) => {
    if (nodeFiles.info(fd).inode !== broken) return nodeFiles.read(fd, ...rest);
    reads++;
    throw systemError('EIO', 'read');
  };

  const { restored, odd } = await replay(contextOf(spool, { files: { ...nodeFiles, read } }));

  assert.equal(restored, 1);
  assert.equal(reads, 3);
  assert.equal(odd.length, 1);
  assert.match(odd[0] ?? '', /: the disk cannot read it \(EIO/);
  const [aside = ''] = namesIn(spool, 'corrupt');
  assert.match(aside, /^segment\./);
  assert.equal(lstatSync(join(spool, 'corrupt', aside)).ino, broken, 'it is kept');
  assert.deepEqual(foldersIn(spool), []);
});

test('so is a whole folder that the disk cannot read; what is broken is left to be told', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  writeFileSync(pathOf(spool, sent), '');
  const broken = lstatSync(join(spool, 'journal', EARLIER_BOOT)).ino;
  const list: typeof nodeFiles.list = (path) => {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === broken) throw systemError('EUCLEAN', 'scandir');
    return nodeFiles.list(path);
  };

  const { restored, dropped, odd } = await replay(contextOf(spool, { files: { ...nodeFiles, list } }));

  assert.deepEqual([restored, dropped, odd.length], [0, 0, 1]);
  assert.match(odd[0] ?? '', /: the disk cannot read it \(EUCLEAN/);
  assert.deepEqual(foldersIn(spool), []);
  assert.match(namesIn(spool, 'corrupt').join(), /^segment\./);
  assert.equal(namesIn(spool, 'pending').length, 1);
});

test('a read that fails for a moment costs no segment', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  const faulty = faultyFiles(nodeFiles);
  faulty.plan({ operation: 'read', call: 1, errno: 'EIO', lasts: 'once' });

  const { restored, odd } = await replay(contextOf(spool, { files: faulty.files }));

  assert.ok(faulty.hasFailed());
  assert.deepEqual([restored, odd], [1, []]);
});

test('a segment that this user may not read is moved to corrupt/ and told', async (t) => {
  const spool = newSpool(t);
  await sendInEarlierBoot(spool, job());
  const [closed = ''] = segmentPaths(spool);
  const inode = lstatSync(closed).ino;
  const open: typeof nodeFiles.open = (path, access) => {
    if (path.includes('/journal/') && lstatSync(path).ino === inode) throw systemError('EACCES', 'open');
    return nodeFiles.open(path, access);
  };

  const { odd } = await replay(contextOf(spool, { files: { ...nodeFiles, open } }));

  assert.match(odd.join(), /: it may not be read by this user$/);
  assert.equal(namesIn(spool, 'corrupt').length, 1);
});

test('a segment that cannot be removed goes to corrupt/ with its folder, once its jobs are restored', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  const unlink = (path: string): void => {
    if (path.includes('/journal/')) throw systemError('EPERM', 'unlink');
    nodeFiles.unlink(path);
  };

  const { restored } = await replay(contextOf(spool, { files: { ...nodeFiles, unlink } }));

  assert.equal(restored, 1);
  assert.deepEqual(foldersIn(spool), []);
  assert.match(namesIn(spool, 'corrupt').join(), /^replayed\./);
});

test('a folder with a name as long as names may be is replayed like any other', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  renameSync(join(spool, 'journal', EARLIER_BOOT), join(spool, 'journal', 'x'.repeat(255)));

  assert.equal((await replayed(spool)).restored, 1);
});

test('what this boot has recorded is left alone, whoever wrote it', async (t) => {
  const spool = newSpool(t);
  const journal = journalIn(contextOf(spool));
  const sent = job();
  await send(journal, sent);
  nodeFiles.unlink(pathOf(spool, sent));

  const { restored } = await replay(contextOf(spool));

  assert.equal(restored, 0);
  assert.deepEqual(namesIn(spool, 'pending'), []);
  assert.equal(segmentPaths(spool).length, 1);
  await journal.close();
});

test('several earlier boots are replayed', async (t) => {
  const spool = newSpool(t);
  const [first, second] = [job(), job()];
  await sendInEarlierBoot(spool, first);
  await send(journalIn(contextOf(spool, { files: ofBoot(EARLIEST_BOOT, nodeFiles) })), second);
  for (const sent of [first, second]) nodeFiles.unlink(pathOf(spool, sent));

  assert.deepEqual(await replayed(spool), { restored: 2, dropped: 0, odd: [] });
});

describe('one process replays, and others wait:', () => {
  /** The folder of an earlier boot, taken by `replayer` of `boot`. */
  function takenBy(spool: string, replayer: string, boot: string): void {
    renameSync(join(spool, 'journal', EARLIER_BOOT), join(spool, 'journal', `${EARLIER_BOOT}~${boot}~${replayer}`));
  }

  const thisBoot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

  test('while it lives', async (t) => {
    const spool = newSpool(t);
    await sendInEarlierBoot(spool, job());
    takenBy(spool, `${writerName(nodeFiles, process.pid)}.other.0`, thisBoot);
    let isOver = false;

    const waiting = replay(contextOf(spool)).then(() => (isOver = true));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));

    assert.equal(isOver, false);
    const [folder = ''] = foldersIn(spool);
    for (const path of segmentPaths(spool)) nodeFiles.unlink(path);
    nodeFiles.removeDirectory(join(spool, 'journal', folder));
    await waiting;
  });

  for (const [what, replayer, boot] of [
    ['has died', writerName(nodeFiles, process.pid).replace(/^\d+/, '4194304'), thisBoot],
    ['was of an earlier boot', writerName(nodeFiles, process.pid), EARLIEST_BOOT],
    ['is nobody', 'garbage', thisBoot],
  ] as const)
    test(`not for one that ${what}`, async (t) => {
      const spool = newSpool(t);
      const sent = job();
      await sendInEarlierBoot(spool, sent);
      nodeFiles.unlink(pathOf(spool, sent));
      takenBy(spool, `${replayer}.other.0`, boot);

      assert.equal((await replayed(spool)).restored, 1);
    });

  test('of many at once each finds all of it done', async (t) => {
    const spool = newSpool(t);
    const jobs = Array.from({ length: 50 }, () => job());
    await sendInEarlierBoot(spool, ...jobs);
    for (const sent of jobs) nodeFiles.unlink(pathOf(spool, sent));

    const all = await Promise.all(Array.from({ length: 5 }, () => replay(contextOf(spool))));

    assert.deepEqual(
      all.map(({ restored }) => restored).toSorted((a, b) => a - b),
      [0, 0, 0, 0, 50],
    );
    assert.equal(namesIn(spool, 'pending').length, 50);
  });
});

test('when the disk refuses, it is all done again at the next try', async (t) => {
  const spool = newSpool(t);
  const jobs = [job(), job(), job()];
  await sendInEarlierBoot(spool, ...jobs);
  for (const sent of jobs) nodeFiles.unlink(pathOf(spool, sent));
  const faulty = faultyFiles(nodeFiles);
  const broker = openSpool({ path: spool, files: faulty.files });
  faulty.plan({ operation: 'create', call: 2, errno: 'ENOSPC', lasts: 'once' });

  await assert.rejects(broker.enqueue([job()]), { code: 'FSQ_SPOOL_FULL' });
  await broker.enqueue([job()]);

  assert.equal(namesIn(spool, 'pending').length, 4);
  assert.deepEqual(foldersIn(spool), []);
});

test('a folder that could not be replayed is given back in its place, wherever the spool lies', async (t) => {
  const spool = join(tempDir(t), 'a~b', 'spool');
  mkdirSync(dirname(spool));
  openSpool({ path: spool });
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  const faulty = faultyFiles(nodeFiles);
  faulty.plan({ operation: 'create', call: 1, errno: 'ENOSPC', lasts: 'once' });

  await assert.rejects(replay(contextOf(spool, { files: faulty.files })), { code: 'ENOSPC' });

  assert.deepEqual(foldersIn(spool), [EARLIER_BOOT]);
  assert.equal((await replayed(spool)).restored, 1);
});

test('a folder that the disk does not let us give back is given back when it does: nobody waits for us for ever', async (t) => {
  const spool = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  nodeFiles.unlink(pathOf(spool, sent));
  let isReadOnly = false;
  const refuse = (): never => {
    isReadOnly = true;
    throw systemError('EROFS', 'open');
  };
  const rename: typeof nodeFiles.rename = (from, to) => (isReadOnly ? refuse() : nodeFiles.rename(from, to));
  const files = { ...nodeFiles, create: refuse, rename };

  await assert.rejects(replay(contextOf(spool, { files })), { code: 'EROFS' });
  assert.notDeepEqual(foldersIn(spool), [EARLIER_BOOT], 'the case did not come up');
  isReadOnly = false;

  assert.equal((await replayed(spool)).restored, 1);
});

describe('nothing is done with the spool before that:', () => {
  const acts: readonly (readonly [what: string, act: (spool: string, sent: NewJob) => Promise<unknown>])[] = [
    ['send', (path) => openSpool({ path }).enqueue([job()])],
    [
      'send with a key',
      (path) => openSpool({ path }).enqueueUnique(job({ options: { key: 'k' } }), { key: 'k', until: 'ended' }),
    ],
    ['look', async (path, { job: { id } }) => assert.notEqual(await openSpool({ path }).find(id), null)],
    ['count', async (path) => assert.equal((await openSpool({ path, fsync: false }).counts()).pending, 1)],
    ['revoke', (path, { job: { id } }) => openSpool({ path }).revoke([id])],
    ['start a child', async (path) => (await openSpool({ path }).consumer({ queues: null, tasks: [] })).close()],
  ];
  for (const [what, act] of acts)
    test(what, async (t) => {
      const spool = newSpool(t);
      const sent = job();
      await sendInEarlierBoot(spool, sent);
      nodeFiles.unlink(pathOf(spool, sent));

      await act(spool, sent);

      assert.deepEqual(foldersIn(spool), []);
    });

  test('start a worker, which tells of it', async (t) => {
    const path = newSpool(t);
    const sent = job();
    await sendInEarlierBoot(path, sent);
    nodeFiles.unlink(pathOf(path, sent));
    const events: BrokerEvent[] = [];
    const broker = openSpool({ path });

    const keeper = await broker.keeper({
      queues: null,
      onEvent: (event) => events.push(event),
    });

    const [event] = events;
    assert.equal(event?.kind, 'replayed');
    assert.equal(event.restored, 1);
    await keeper.close();
    await broker.close();
  });
});
