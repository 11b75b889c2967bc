/** What a program, a worker and a look hear of a replay, whoever does it. */
import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { restoringText } from '../../../../src/app/telling/warnings.ts';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { Replay, restoringIn } from '../../../../src/spool/journal/due.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { EARLIER_BOOT } from '../../../support/boots.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { foldersIn, segmentPaths, sendInEarlierBoot } from '../../../support/journal.ts';
import { tempDir } from '../../../support/temp.ts';

/** A spool after a power cut; `jobs` of its jobs are recorded. */
async function cutSpool(t: TestContext, jobs = 1): Promise<string> {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  await sendInEarlierBoot(path, ...Array.from({ length: jobs }, () => job()));
  return path;
}

/** This process seems to replay it, until `release`. */
function hold(path: string): { release(): void } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const free = join(path, 'journal', EARLIER_BOOT);
  const held = `${free}~${boot}~${writerName(nodeFiles, process.pid)}.0.0`;
  renameSync(free, held);
  return { release: () => renameSync(held, free) };
}

function hearing(): { readonly events: BrokerEvent[]; readonly onEvent: (event: BrokerEvent) => void } {
  const events: BrokerEvent[] = [];
  return { events, onEvent: (event) => events.push(event) };
}

describe('a replay', () => {
  test('that is quick is told once, when it has ended', async (t) => {
    const path = await cutSpool(t);
    const { events, onEvent } = hearing();
    const replay = new Replay(contextOf(path), { onEvent, looksAtOnce: false });
    assert.equal(replay.isDue, true);

    await Promise.all([replay.ended(), replay.ended(), replay.endedWhereAllowed()]);

    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['replayed'],
    );
    assert.equal(replay.isDue, false);
  });

  test('that takes long is told while it runs, and by whom', async (t) => {
    const path = await cutSpool(t);
    const { release } = hold(path);
    const { events, onEvent } = hearing();
    const ended = new Replay(contextOf(path), { onEvent: undefined, looksAtOnce: false }).ended({
      onEvent,
      silentMs: 5,
    });
    await until(() => events.length > 0, 'it is told');
    assert.deepEqual(events, [{ kind: 'replaying', segments: 1, pid: process.pid }]);

    release();
    await ended;

    assert.deepEqual(foldersIn(path), []);
  });

  test('that another process has done is not told as one of this process', async (t) => {
    const path = await cutSpool(t);
    hold(path);
    const { events, onEvent } = hearing();
    const ended = new Replay(contextOf(path), { onEvent, looksAtOnce: false }).ended();
    for (const segment of segmentPaths(path)) {
      nodeFiles.unlink(segment);
      nodeFiles.removeDirectory(dirname(segment));
    }

    await ended;

    assert.deepEqual(events, []);
  });
});

test('whoever gives up waits no longer, and the others do', async (t) => {
  const path = await cutSpool(t);
  const { release } = hold(path);
  const broker = openSpool({ path });
  const giveUp = new AbortController();
  const [id = ''] = await openSpool({ path, looksAtOnce: true }).idsByPrefix('', 1);
  const [outcome, keeper, counts] = [
    broker.waitForOutcome(id, giveUp.signal, false),
    broker.keeper({ queues: null, giveUp: giveUp.signal }),
    broker.counts(),
  ];

  giveUp.abort();

  assert.equal(await outcome, null);
  await assert.rejects(keeper, /aborted/);
  assert.equal((await broker.owners()).length, 0, 'who lives is told meanwhile');
  release();
  assert.equal((await counts).pending, 1);
  await broker.close();
});

describe('a look', () => {
  test('is told since when which process replays, and how much', async (t) => {
    const path = await cutSpool(t);
    assert.deepEqual(restoringIn(contextOf(path)), { segments: 1, pid: null, sinceMs: null });
    const { release } = hold(path);

    const underWay = restoringIn(contextOf(path));

    assert.deepEqual([underWay?.segments, underWay?.pid], [1, process.pid]);
    assert.ok(Math.abs((underWay?.sinceMs ?? 0) - Date.now()) < 60_000, String(underWay?.sinceMs));
    release();
    assert.equal(restoringIn(contextOf(join(tempDir(t), 'none'))), null);
  });

  test('that is to answer at once waits for no replay, and begins none', async (t) => {
    const path = await cutSpool(t, 2);
    const broker = openSpool({ path, looksAtOnce: true });

    assert.equal((await broker.counts()).pending, 2);
    assert.deepEqual(foldersIn(path), [EARLIER_BOOT]);
    hold(path);
    assert.equal((await broker.counts()).pending, 2);
    assert.equal((await broker.restoring())?.pid, process.pid);
    await broker.close();
  });
});

test('a program hears that jobs may be lost, and nothing of a replay in which all is well', async (t) => {
  const [well, broken] = [await cutSpool(t), await cutSpool(t)];
  writeFileSync(join(dirname(segmentPaths(broken)[0] ?? ''), 'garbage'), 'g'.repeat(600));
  const { events, onEvent } = hearing();
  for (const path of [well, broken]) {
    const broker = openSpool({ path, onEvent });
    await broker.enqueue([job()]);
    await broker.close();
  }

  const texts = events.map((event) => restoringText(event, '/spool'));

  assert.equal(texts[0], null);
  assert.match(
    texts[1] ?? '',
    /not all of the journal of \/spool could be read, .* may be lost; moved to corrupt\/: garbage: it does not begin/,
  );
  assert.match(
    restoringText({ kind: 'replaying', segments: 3, pid: 7 }, '/spool') ?? '',
    /^After a power cut the jobs of \/spool are restored first by process 7 \(3 segments of the journal\): this waits for it\.$/,
  );
});
