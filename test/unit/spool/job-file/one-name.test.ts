/** Jobs whose file has several names, as a power cut may leave it on btrfs: one name stays, and the job is run, or told, once. */
import assert from 'node:assert/strict';
import { existsSync, linkSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { examine, take } from '../../../../src/spool/claims/claim.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import { nameWaitingOnce } from '../../../../src/spool/job-file/one-name.ts';
import { readOutcome } from '../../../../src/spool/results/outcomes.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { locate } from '../../../../src/spool/locate.ts';
import { withdraw } from '../../../../src/spool/revoking/revoke-jobs.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { tempSpool } from '../../../support/temp.ts';

const [DEAD, OTHER, ME] = [someOwner(1), someOwner(2), someOwner(3)];
const DUE_MS = 1_000_000_000_000;

/** The names that a job may have. */
function namesOf(id: string): Readonly<Record<string, string>> {
  const name = (attempt: number, crashes = 0): string =>
    jobFileName({ id, queue: 'default', priority: 5, attempt, crashes });
  const due = (attempt: number, crashes = 0): string =>
    delayedFileName(DUE_MS, { id, queue: 'default', priority: 5, attempt, crashes });
  return {
    draft: 'tmp/draft',
    'in a batch': `tmp/batch/${nextId()}.json`,
    spare: `spare/batch/${nextId()}.json`,
    'draft of a key': `keys/${'a'.repeat(64)}/${id}.json`,
    'holder of a key': `keys/${'a'.repeat(64)}/${id}`,
    'ready at 0': `pending/${name(0)}`,
    'ready at 1': `pending/${name(1)}`,
    'delayed at 0': `delayed/${due(0)}`,
    'delayed at 1': `delayed/${due(1)}`,
    'sent back at 1': `delayed/${due(1, 1)}`,
    'run by the dead at 1': `running/${DEAD}/${name(1)}`,
    'run by the dead at 2': `running/${DEAD}/${name(2)}`,
    'run by another of the dead at 1': `running/${OTHER}/${name(1)}`,
    result: `results/${id}.json`,
  };
}

/** A spool in which one file has these names. */
function spoolWith(t: TestContext, names: readonly string[], hasOutcome = false): { path: string; id: string } {
  const { path } = tempSpool(t);
  const { job: sent } = job();
  const standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
  const tail = encodeTail([{ attempt: 1, endedAtMs: 1, owner: DEAD }], {
    outcome: { state: 'succeeded', value: 7 },
    standing,
  });
  const base = encodeBase(sent);
  const [first = '', ...more] = names.map((name) => join(path, namesOf(sent.id)[name] ?? name));
  for (const name of [first, ...more]) mkdirSync(dirname(name), { recursive: true, mode: 0o700 });
  writeFileSync(first, hasOutcome ? base.slice(0, -1) + tail : base, { mode: 0o600 });
  for (const name of more) linkSync(first, name);
  return { path, id: sent.id };
}

/** What of the names that the file had is left, and others that hold it now. */
function left(path: string, id: string): readonly string[] {
  const known = Object.entries(namesOf(id)).filter(([, name]) => existsSync(join(path, name)));
  return known.map(([what]) => what).filter((what) => !what.includes('batch') && what !== 'spare');
}

function claimantIn(path: string): { owner: string; directory: string } {
  const directory = join(path, 'running', ME);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return { owner: ME, directory };
}

describe('a claim', () => {
  const runs: readonly (readonly string[])[] = [
    ['ready at 0', 'delayed at 0'],
    ['ready at 0', 'draft'],
    ['ready at 0', 'in a batch'],
    ['ready at 0', 'spare'],
    ['ready at 0', 'draft of a key'],
    ['ready at 0', 'holder of a key'],
    ['ready at 1', 'delayed at 0'],
    ['ready at 1', 'ready at 0', 'draft', 'delayed at 0'],
    ['ready at 0', 'result'],
  ];
  for (const names of runs) {
    test(`runs a job that is ${names.join(', and ')}: its other names go`, async (t) => {
      const { path, id } = spoolWith(t, names);
      const context = contextOf(path);

      const taken = take(context, claimantIn(path), (namesOf(id)[names[0] ?? ''] ?? '').slice('pending/'.length));
      assert.ok(taken !== null);
      const claim = await examine(context, claimantIn(path), taken);

      assert.equal(claim?.job.id, id);
      assert.equal(lstatSync(taken.path).nlink, 1);
      assert.deepEqual([left(path, id), namesIn(path, 'tmp').filter((name) => name !== 'batch')], [[], []]);
    });
  }

  const others: readonly (readonly [names: readonly string[], stays: readonly string[]])[] = [
    [['ready at 0', 'delayed at 1'], ['delayed at 1']],
    [['ready at 0', 'ready at 1'], ['ready at 1']],
    [['ready at 1', 'sent back at 1', 'delayed at 0'], ['sent back at 1']],
    [
      ['ready at 0', 'run by the dead at 1'],
      ['ready at 0', 'run by the dead at 1'],
    ],
    [
      ['ready at 0', 'delayed at 0', 'run by the dead at 1'],
      ['ready at 0', 'run by the dead at 1'],
    ],
  ];
  for (const [names, stays] of others) {
    test(`leaves a job that is ${names.join(', and ')} to its place further on`, async (t) => {
      const { path, id } = spoolWith(t, names);
      const context = contextOf(path);

      const taken = take(context, claimantIn(path), (namesOf(id)[names[0] ?? ''] ?? '').slice('pending/'.length));
      assert.ok(taken !== null);

      assert.equal(await examine(context, claimantIn(path), taken), null);
      assert.deepEqual([left(path, id), namesIn(path, `running/${ME}`)], [stays, []]);
    });
  }

  test('of a job that has ended leaves the outcome', async (t) => {
    const { path, id } = spoolWith(t, ['ready at 0', 'result'], true);
    const context = contextOf(path);

    const taken = take(context, claimantIn(path), namesIn(path, 'pending')[0] ?? '');
    assert.ok(taken !== null);

    assert.equal(await examine(context, claimantIn(path), taken), null);
    assert.deepEqual([left(path, id), namesIn(path, `running/${ME}`)], [['result'], []]);
  });

  test('of a file that has a name outside of the spool is refused', async (t) => {
    const { path, id } = spoolWith(t, ['ready at 0', 'delayed at 0']);
    linkSync(join(path, namesOf(id)['ready at 0'] ?? ''), join(tempDir(t), 'outside'));
    const context = contextOf(path);

    const taken = take(context, claimantIn(path), namesIn(path, 'pending')[0] ?? '');
    assert.ok(taken !== null);

    assert.equal(await examine(context, claimantIn(path), taken), null);
    assert.equal(namesIn(path, 'corrupt').length, 1);
    assert.match(JSON.stringify(readOutcome(context, id)?.outcome), /3 links, and not all of them lie in this spool/);
  });
});

describe('recovery', () => {
  const cases: readonly (readonly [names: readonly string[], hasOutcome: boolean, stays: string])[] = [
    [['run by the dead at 1', 'ready at 0'], false, 'sent back'],
    [['run by the dead at 1', 'ready at 0', 'delayed at 0', 'draft'], false, 'sent back'],
    [['run by the dead at 1', 'ready at 1'], false, 'ready at 1'],
    [['run by the dead at 1', 'sent back at 1'], false, 'sent back at 1'],
    [['run by the dead at 2', 'delayed at 1'], false, 'sent back'],
    [['run by the dead at 1', 'run by the dead at 2'], false, 'sent back'],
    [['run by the dead at 1', 'run by another of the dead at 1'], false, 'sent back'],
    [['run by the dead at 2', 'run by another of the dead at 1', 'ready at 0'], false, 'sent back'],
    [['run by the dead at 1', 'result'], true, 'result'],
    [['run by the dead at 1', 'ready at 0'], true, 'result'],
    [['run by the dead at 1', 'result'], false, 'sent back'],
  ];
  for (const [names, hasOutcome, stays] of cases) {
    test(`of a job that is ${names.join(', and ')}${hasOutcome ? ', with its outcome' : ''}`, async (t) => {
      const { path, id } = spoolWith(t, names, hasOutcome);
      for (const owner of [DEAD, OTHER]) pronounceDead(path, owner);
      const context = contextOf(path);

      for (let round = 0; round < 3; round++) await recoverOrphans(context, recovererOf(ME));

      const all = ['pending', 'delayed', 'results', 'corrupt', 'running', 'tmp'].flatMap((place) =>
        namesIn(path, place).map((name) => `${place}/${name}`),
      );
      assert.equal(all.length, 1, all.join());
      assert.equal(lstatSync(join(path, all[0] ?? '')).nlink, 1);
      if (stays === 'sent back') assert.match(all[0] ?? '', /^delayed\/.*\.[12]\.1\.json$/);
      else assert.equal(all[0], namesOf(id)[stays]);
    });
  }
});

test('an outcome is told although its file has a second name', (t) => {
  for (const second of ['run by the dead at 1', 'ready at 0', 'in a batch', 'spare']) {
    const { path, id } = spoolWith(t, ['result', second], true);

    assert.deepEqual(readOutcome(contextOf(path), id)?.outcome, { state: 'succeeded', value: 7 }, second);
  }
});

test('an outcome that has a name outside of the spool is refused', (t) => {
  const { path, id } = spoolWith(t, ['result'], true);
  linkSync(join(path, 'results', `${id}.json`), join(tempDir(t), 'outside'));

  assert.throws(() => readOutcome(contextOf(path), id), /2 links, and not all of them lie in this spool/);
});

test('a revoked job is withdrawn under its last name', async (t) => {
  const { path, id } = spoolWith(t, ['ready at 0', 'delayed at 0']);
  const context = contextOf(path);
  const name = { id, queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  const spots = new Map([
    [id, { at: 'waiting', id, path: join(path, namesOf(id)['ready at 0'] ?? ''), name, dueAtMs: null }],
  ] as const);

  const { missed } = await withdraw(context, { ...claimantIn(path), giveUp: new AbortController().signal }, spots);

  assert.deepEqual([...missed], []);
  assert.equal(readOutcome(context, id)?.outcome?.state, 'revoked');
  assert.deepEqual(left(path, id), ['result']);
});

test('a worker that starts on btrfs removes second names of jobs that wait, and of no others', (t) => {
  const { path, id } = spoolWith(t, ['ready at 0', 'delayed at 0', 'delayed at 1', 'ready at 1']);
  const twoFiles = [`pending/${jobFileName({ id: nextId(), queue: 'a', priority: 5, attempt: 0, crashes: 0 })}`];
  twoFiles.push(`delayed/${DUE_MS}.${twoFiles[0]?.slice('pending/'.length)}`);
  for (const name of twoFiles) writeFileSync(join(path, name), '{}', { mode: 0o600 });
  const btrfs = { ...nodeFiles.fileSystem(path), type: 0x9123683e };
  const context = contextOf(path, { files: { ...nodeFiles, fileSystem: () => btrfs } });

  nameWaitingOnce(contextOf(path));
  assert.equal(left(path, id).length, 4, 'elsewhere nothing is looked at');
  nameWaitingOnce(context);

  assert.deepEqual(left(path, id), ['ready at 1']);
  assert.equal(namesIn(path, 'pending').length + namesIn(path, 'delayed').length, 3);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('a job that has ended is found in results/, also under a second name, without a look at what waits', async (t) => {
  const { path, id } = spoolWith(t, ['result', 'ready at 0'], true);
  const walk = (): never => assert.fail('it looked at what waits');
  const context = contextOf(path, { files: { ...nodeFiles, walk } });

  assert.deepEqual(
    [...(await locate(context, new Set([id])))],
    [[id, { at: 'results', id, path: join(path, 'results', `${id}.json`) }]],
  );
});
