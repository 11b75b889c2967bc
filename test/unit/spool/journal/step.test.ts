import assert from 'node:assert/strict';
import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test, type TestContext } from 'node:test';
import type { BrokerEvent, Claim } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { examine, take } from '../../../../src/spool/claims/claim.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { type Entry, readSegment } from '../../../../src/spool/journal/segment.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { takeBack } from '../../../../src/spool/recovery/take-back.ts';
import { deferred, until } from '../../../support/conditions.ts';
import { contextOf, recovererOf, tempContext } from '../../../support/context.ts';
import { job, returned, RUN } from '../../../support/factory.ts';
import { type FaultyFiles, faultyFiles, systemError } from '../../../support/faulty-files.ts';
import { namesIn, placesOf } from '../../../support/invariants.ts';
import { journalIn, segmentPaths } from '../../../support/journal.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';

interface Scene {
  readonly context: SpoolContext;
  readonly spool: string;
  readonly id: string;
  readonly claim: Claim;
  readonly faulty: FaultyFiles;
  readonly events: readonly BrokerEvent[];
}

/** A job that a process with a journal holds. @param tail behind its base */
async function claimed(t: TestContext, { inner = nodeFiles, tail = '' } = {}): Promise<Scene> {
  const faulty = faultyFiles(inner);
  const context = tempContext(t, { files: faulty.files });
  const spool = context.layout.root;
  const journal = journalIn(context);
  context.journal = journal;
  t.after(() => journal.close());
  const sent = job({ args: ['é世👋'] });
  const base = encodeBase(sent.job);
  const name = jobFileName({ id: sent.job.id, queue: 'default', priority: 5, attempt: 0, crashes: 0 });
  writeFileSync(join(spool, 'pending', name), tail === '' ? base : base.slice(0, -1) + tail);
  pronounceDead(spool, someOwner());
  context.files.makeDirectory(join(spool, 'running', someOwner()));
  const events: BrokerEvent[] = [];
  const claimant = {
    owner: someOwner(),
    directory: join(spool, 'running', someOwner()),
    onEvent: (event: BrokerEvent) => void events.push(event),
  };
  const taken = take(context, claimant, name);
  assert.ok(taken !== null);
  const claim = await examine(context, claimant, taken);
  assert.ok(claim !== null);
  faulty.mend();
  return { context, spool, id: sent.job.id, claim, faulty, events };
}

function entriesIn(spool: string): readonly Entry[] {
  return segmentPaths(spool).flatMap((path) => {
    const segment = readSegment(contextOf(spool), path);
    return segment.kind === 'segment' ? segment.entries : [];
  });
}

/** The file is as its only record says, under the name that this says. */
function assertRecorded(spool: string, id: string): void {
  const [entry, ...others] = entriesIn(spool);
  assert.ok(entry !== undefined && others.length === 0);
  assert.deepEqual(placesOf(spool).get(id), [`${entry.place}/${entry.fileName}`]);
  assert.equal(readFileSync(join(spool, entry.place, entry.fileName), 'utf8'), entry.bytes.toString());
}

const STEPS: readonly (readonly [what: string, settlement: Settlement])[] = [
  ['an outcome', returned({ sum: 'é世👋' })],
  ['a retry', { kind: 'rerun', delayMs: 60_000, crashes: 0, error: { name: 'Error', message: 'é' } }],
  ['a parked job', { kind: 'park', delayMs: 60_000, parked: { reason: 'no such task', sinceMs: 1 } }],
];

describe('a step is recorded as the file is then, and nothing is fsynced:', () => {
  for (const [what, settlement] of STEPS)
    test(what, async (t) => {
      const { spool, id, claim, faulty } = await claimed(t);

      await claim.settle(settlement, RUN);

      assertRecorded(spool, id);
      assert.equal(faulty.calls.get('syncData'), 1);
      // The segment was made, and its folders.
      assert.equal(faulty.calls.get('sync'), 4);
    });
});

test('others see an outcome when its record is on the disk, not before', async (t) => {
  const [asked, disk] = [deferred<void>(), deferred<void>()];
  const inner: Files = {
    ...nodeFiles,
    syncData: async (fd) => {
      asked.resolve();
      await disk.promise;
      await nodeFiles.syncData(fd);
    },
  };
  const { spool, id, claim } = await claimed(t, { inner });

  const settled = claim.settle(returned('shown'), RUN);
  await asked.promise;
  for (let i = 0; i < 5; i++) await turn();

  assert.match(placesOf(spool).get(id)?.join() ?? '', /^running\//);
  assert.deepEqual(
    entriesIn(spool).map(({ fileName }) => fileName),
    [`${id}.json`],
  );
  disk.resolve();
  await settled;
  assert.deepEqual(namesIn(spool, 'results'), [`${id}.json`]);
});

test('if the fdatasync fails, the file and its name are fsynced, and the segment never again', async (t) => {
  const { spool, context, id, claim, faulty, events } = await claimed(t);
  faulty.plan({ operation: 'syncData', call: 1, errno: 'EIO', lasts: 'once' });

  await claim.settle(returned('shown'), RUN);

  assert.deepEqual(namesIn(spool, 'results'), [`${id}.json`]);
  assert.equal(faulty.calls.get('syncData'), 1);
  // Of the segment, when it was made, and its three folders; of the file, its name, and the name that it gets.
  assert.equal(faulty.calls.get('sync'), 4 + 3);
  assert.equal(context.journal?.takes(1), false, 'for a while it is not used');
  assert.deepEqual(events, []);
});

test('a segment that cannot be made: the file is fsynced', async (t) => {
  const { spool, id, claim, faulty, context } = await claimed(t);
  faulty.plan({ operation: 'create', call: 1, errno: 'ENOSPC', lasts: 'once' });

  await claim.settle(returned('shown'), RUN);

  assert.deepEqual(namesIn(spool, 'results'), [`${id}.json`]);
  assert.equal(context.journal?.takes(1), false);
});

test('a full disk is waited for, and what was half written is written anew', async (t) => {
  const { context, spool, id, claim, faulty, events } = await claimed(t);
  const broken = lstatSync(join(spool, placesOf(spool).get(id)?.[0] ?? '')).ino;
  await context.journal?.record('results/x.json', 1, () => 1); // Its segment is there.
  faulty.plan({ operation: 'write', call: 1, errno: 'ENOSPC', lasts: 'once', tornBytes: 20 });

  await claim.settle(returned('shown'), RUN);

  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['disk-wait', 'disk-wait-over'],
  );
  const path = join(spool, 'results', `${id}.json`);
  assert.notEqual(lstatSync(path).ino, broken);
  assert.match(readFileSync(path, 'utf8'), /"value":"shown"\}$/);
});

describe('without a record, by fsync:', () => {
  const readOnly: Files = {
    ...nodeFiles,
    open: (path, access) => {
      if (access === 'read-write') throw systemError('EACCES', 'open');
      return nodeFiles.open(path, access);
    },
  };
  const cases: readonly (readonly [what: string, value: string, options: { tail?: string; inner?: Files }])[] = [
    ['a long outcome', 'x'.repeat(70_000), {}],
    ['an outcome over an older tail', 'shown', { tail: encodeTail([], { parked: { reason: 'r', sinceMs: 1 } }) }],
    ['a file that is read-only', 'shown', { inner: readOnly }],
  ];
  for (const [what, value, options] of cases)
    test(what, async (t) => {
      const { spool, id, claim, faulty } = await claimed(t, options);

      await claim.settle(returned(value), RUN);

      const text = readFileSync(join(spool, 'results', `${id}.json`), 'utf8');
      assert.ok(text.endsWith(`"value":"${value}"}`));
      assert.deepEqual(entriesIn(spool), []);
      assert.ok((faulty.calls.get('sync') ?? 0) >= 2);
    });
});

test('a process whose job was taken away records nothing', async (t) => {
  const { spool, claim } = await claimed(t);
  renameSync(join(spool, 'running', someOwner()), join(spool, 'running', `${someOwner()}~${someOwner(2)}`));

  await assert.rejects(async () => claim.settle(returned(1), RUN), { code: 'FSQ_FENCED' });

  assert.deepEqual(entriesIn(spool), []);
});

test('a recoverer records the outcome that a dead process has left, as it stands', async (t) => {
  const { context, spool, id, claim, faulty } = await claimed(t);
  faulty.plan({ operation: 'rename', call: 1, errno: 'EROFS', lasts: 'for good' });
  const own = context.journal;
  context.journal = null;
  await assert.rejects(async () => claim.settle(returned('shown'), RUN));
  faulty.mend();
  context.journal = own;

  const dead = { owner: someOwner(), ending: 'crashed', run: null } as const;
  await takeBack(context, recovererOf(someOwner(2)), someOwner(), dead);

  assertRecorded(spool, id);
});

test('many at once share the wait for the disk', async (t) => {
  const { context, spool, faulty } = await claimed(t);
  const claimant = { owner: someOwner(), directory: join(spool, 'running', someOwner()) };
  const claims: Claim[] = [];
  for (let i = 0; i < 20; i++) {
    const { id } = job().job;
    const name = jobFileName({ id, queue: 'default', priority: 5, attempt: 0, crashes: 0 });
    writeFileSync(join(spool, 'pending', name), `{"v":1,"task":"echo"\n}`, { mode: 0o600 });
    const taken = take(context, claimant, name);
    const claim = taken === null ? null : await examine(context, claimant, taken);
    if (claim !== null) claims.push(claim);
  }
  assert.equal(claims.length, 20);

  await Promise.all(claims.map((claim) => claim.settle(returned(1), RUN)));

  await until(() => namesIn(spool, 'results').length === 20, 'all have ended');
  assert.ok((faulty.calls.get('syncData') ?? 0) <= 2);
});
