/** Each invariant of a spool, broken once on disk: the checker names it, and names nothing in a spool that is well. */
import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, rmdirSync, symlinkSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { contextFor } from '../../../../src/spool/doctor/examine.ts';
import type { Finding } from '../../../../src/spool/doctor/finding.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { register } from '../../../../src/spool/owners/owner.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { job, nextId, returned, threw } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { someOwner } from '../../../support/owners.ts';
import { attempt, jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { invariantFindings, takeSnapshot } from '../../../oracle/snapshot.ts';

const SUCCEEDED = { state: 'succeeded', value: 3 } as const;

/** One look at a spool in which nothing moves but which is not at rest. */
async function look(spool: string): Promise<readonly Finding[]> {
  return invariantFindings(await takeSnapshot(contextFor(spool)));
}

async function assertFound(spool: string, code: string, expected: Partial<Finding>): Promise<void> {
  const findings = await look(spool);
  const found = findings.find((finding) => finding.code === code);
  assert.ok(found !== undefined, `no ${code} among ${JSON.stringify(findings)}`);
  assert.deepEqual({ ...found, ...expected }, found);
  assert.match(found.advice, /\S{3}/);
}

/** The record of an owner that lived in an earlier boot, as fsq writes it. */
function plantDeadRecord(spool: string, owner: string, role = 'child'): void {
  const record = { v: 1, owner, pid: 1, role, startedAtMs: 1, bootId: 'an earlier boot', queues: null, tasks: [] };
  plant(spool, `workers/${owner}.json`, JSON.stringify(record));
}

function plantDirectory(spool: string, path: string): void {
  mkdirSync(join(spool, path), { mode: 0o700 });
}

function plantedSpool(t: TestContext): string {
  return tempSpool(t, { fsync: false }).path;
}

describe('nothing is found in a spool', () => {
  test('that is new', async (t) => {
    const { path } = tempSpool(t);

    assert.deepEqual(await checkSpool(path, { atRest: true }), []);
  });

  test('with jobs that wait, are delayed, and have ended well and badly', async (t) => {
    const { path, broker } = tempSpool(t);
    await settledJob(path, {}, returned(3));
    await settledJob(path, { queue: 'other', priority: 2 }, threw('no'));
    const waiting = [job(), job({ priority: 1 }), job({ etaMs: Date.now() + 60_000 })];
    await broker.enqueue(waiting);

    const findings = await checkSpool(path, {
      atRest: true,
      journal: { accepted: waiting.map(({ job: { id } }) => ({ id })) },
    });

    assert.deepEqual(findings, []);
  });

  test('while a job is held by a process that lives, whose end was torn in the middle of the write', async (t) => {
    const { path, broker } = tempSpool(t);
    await broker.enqueue([job()]);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    const claim = await nextWithin(consumer, 10_000);
    const directory = `running/${consumer.owner}`;
    plant(
      path,
      `${directory}/5.${claim?.job.id}.default.1.0.json`,
      `${jobText({ id: claim?.job.id ?? '' }).slice(0, -2)}\n,"attempts":[{"at`,
    );

    assert.deepEqual(await checkSpool(path), []);

    await claim?.settle(returned(1), null);
  });

  test('whose broken file is between its outcome and its move to corrupt/', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const owner = someOwner();
    plantDeadRecord(path, owner);
    plantDirectory(path, `running/${owner}`);
    plant(path, `running/${owner}/5.${id}.default.1.0.json`, 'x');
    plant(
      path,
      `results/${id}.json`,
      jobText({ id }, { attempts: [attempt()], outcome: { state: 'failed', error: { name: 'E', message: 'm' } } }),
    );

    const codes = (await look(path)).map(({ code }) => code);

    assert.ok(!codes.includes('duplicate'), codes.join());
  });
});

describe('I1 one place, I2 one file', () => {
  test('a job in two places is named with both', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    plant(path, `results/${id}.json`, jobText({ id }, { attempts: [attempt()], outcome: SUCCEEDED }));

    await assertFound(path, 'duplicate', { invariant: 'I1', severity: 'error', id, canRepair: true });
  });

  test('two files for one job in one place', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    plant(path, `pending/4.${id}.default.0.0.json`, jobText({ id, args: [1] }));

    await assertFound(path, 'duplicate', { invariant: 'I2', id, canRepair: false });
  });

  test('a file with two names', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const file = plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    linkSync(file, join(path, 'tmp/other'));
    await assertFound(path, 'second-name', { severity: 'info', canRepair: false });

    linkSync(file, join(dirname(path), 'outside'));
    await assertFound(path, 'hard-link', { invariant: 'I2', severity: 'error' });
  });

  test('a file with a name outside of the spool, where plain files lie in keys/', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const file = plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    linkSync(file, join(dirname(path), 'outside'));
    plant(path, 'keys/note.txt', '');
    plant(path, `keys/${'f'.repeat(64)}`, '');

    await assertFound(path, 'hard-link', { invariant: 'I2', severity: 'error' });
    await assertFound(path, 'foreign', { severity: 'warning' });
  });

  test('an accepted job that is nowhere, unless its outcome may have expired', async (t) => {
    const path = plantedSpool(t);
    const accepted = [{ id: nextId() }];

    const findings = await checkSpool(path, { journal: { accepted } });
    const excused = await checkSpool(path, { journal: { accepted, gone: accepted.map(({ id }) => id) } });

    assert.deepEqual(
      findings.map(({ code, invariant }) => [code, invariant]),
      [['lost', 'I1']],
    );
    assert.deepEqual(excused, []);
  });
});

describe('I3 one outcome, I12 counters grow: seen in two looks', () => {
  async function between(
    t: TestContext,
    before: () => void,
    after: () => void,
    path: string,
  ): Promise<readonly Finding[]> {
    before();
    const since = await takeSnapshot(contextFor(path));
    after();
    return checkSpool(path, { since });
  }

  test('an outcome that has changed', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const write = (value: number) => () =>
      void plant(
        path,
        `results/${id}.json`,
        jobText({ id }, { attempts: [attempt()], outcome: { state: 'succeeded', value } }),
      );

    const findings = await between(t, write(1), write(2), path);

    assert.deepEqual(
      findings.map(({ code, invariant }) => [code, invariant]),
      [['outcome-changed', 'I3']],
    );
  });

  test('no finding when a failed job was sent back and has ended again', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const first = attempt({ error: { name: 'Error', message: 'no' } });
    const failed = { state: 'failed', error: { name: 'Error', message: 'no' } } as const;

    const findings = await between(
      t,
      () => void plant(path, `results/${id}.json`, jobText({ id }, { attempts: [first], outcome: failed })),
      () =>
        void plant(
          path,
          `results/${id}.json`,
          jobText({ id }, { attempts: [first, attempt({ attempt: 2 })], outcome: SUCCEEDED }),
        ),
      path,
    );

    assert.deepEqual(findings, []);
  });

  test('a counter that went back', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    plant(path, `pending/5.${id}.default.2.1.json`, jobText({ id }));
    const since = await takeSnapshot(contextFor(path));
    const other = plantedSpool(t);
    plant(other, `pending/5.${id}.default.2.0.json`, jobText({ id }));

    const findings = await checkSpool(other, { since });

    assert.deepEqual(
      findings.map(({ code, invariant }) => [code, invariant]),
      [['counters-fall', 'I12']],
    );
  });

  test('attempts out of order in one file', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    const attempts = [attempt({ attempt: 2 }), attempt({ attempt: 1 })];
    plant(path, `results/${id}.json`, jobText({ id }, { attempts, outcome: SUCCEEDED }));

    await assertFound(path, 'attempts-fall', { invariant: 'I12' });
  });
});

describe('I4 all that is visible parses', () => {
  const broken: readonly [what: string, text: (id: string) => string][] = [
    ['an empty file', () => ''],
    ['text that is no JSON', () => 'x'],
    ['a job of another id', () => jobText({ id: nextId() })],
    ['a job without a task', (id) => `{"id":"${id}"}`],
  ];
  for (const [what, text] of broken) {
    test(`${what} in pending/`, async (t) => {
      const path = plantedSpool(t);
      const id = nextId();
      plant(path, `pending/5.${id}.default.0.0.json`, text(id));

      await assertFound(path, 'unreadable', { invariant: 'I4', id, canRepair: true });
    });
  }

  test('a result without an outcome, and one that was cut off', async (t) => {
    const path = plantedSpool(t);
    const [bare, cut] = [nextId(), nextId()];
    plant(path, `results/${bare}.json`, jobText({ id: bare }));
    plant(
      path,
      `results/${cut}.json`,
      jobText({ id: cut }, { attempts: [attempt()], outcome: SUCCEEDED }).slice(0, -5),
    );

    const findings = await look(path);

    assert.deepEqual(
      new Set(findings.map(({ code, invariant, id }) => `${code} ${invariant} ${id}`)),
      new Set([`no-outcome I4 ${bare}`, `no-outcome I4 ${cut}`]),
    );
  });
});

test('I7: more crashes than are possible, in a name and in an outcome', async (t) => {
  const path = plantedSpool(t);
  const ids = [nextId(), nextId(), nextId()];
  plant(path, `pending/5.${ids[0]}.default.5.4.json`, jobText({ id: ids[0] ?? '' }));
  plant(path, `delayed/1700000000000.5.${ids[1]}.default.0.1.json`, jobText({ id: ids[1] ?? '' }));
  plant(
    path,
    `results/${ids[2]}.json`,
    jobText({ id: ids[2] ?? '' }, { attempts: [attempt({ attempt: 9 })], outcome: SUCCEEDED, crashes: 4 }),
  );

  const findings = await look(path);

  assert.deepEqual(
    new Set(findings.map(({ code, id }) => `${code} ${id}`)),
    new Set(ids.map((id) => `too-many-crashes ${id}`)),
  );
});

describe('I8 holders', () => {
  test('a directory in running/ whose owner has no record', async (t) => {
    const path = plantedSpool(t);
    plantDirectory(path, `running/${someOwner()}`);

    await assertFound(path, 'no-owner-record', { invariant: 'I8', severity: 'error', canRepair: false });
  });

  test('a dead holder: a warning while no worker runs, an error when one has had time to recover it', async (t) => {
    const { path, broker } = tempSpool(t);
    const owner = someOwner();
    plantDeadRecord(path, owner);
    plantDirectory(path, `running/${owner}`);

    await assertFound(path, 'dead-holder', { severity: 'info', canRepair: true });
    const id = nextId();
    plant(path, `running/${owner}/5.${id}.default.1.0.json`, jobText({ id }));
    await assertFound(path, 'dead-holder', { severity: 'warning', canRepair: true });
    const snapshot = await takeSnapshot(contextFor(path));
    const worker = { owner: someOwner(2), hasRecord: true, role: 'supervisor', verdict: { verdict: 'alive' } } as const;
    const withWorker = invariantFindings({ ...snapshot, owners: [...snapshot.owners, worker] });
    assert.deepEqual(
      withWorker.map(({ code, invariant, severity }) => [code, invariant, severity]),
      [['dead-holder', 'I8', 'error']],
    );

    const child = { ...worker, role: 'child' } as const;
    const withChild = invariantFindings({ ...snapshot, owners: [...snapshot.owners, child] });
    assert.deepEqual(
      withChild.map(({ severity }) => severity),
      ['warning'],
      'a child whose supervisor is gone recovers nobody',
    );

    const keeper = await broker.keeper({ queues: null });
    t.after(() => keeper.close());
    assert.deepEqual(await checkSpool(path), [], 'a worker that recovers in time is no finding');
  });

  test('a worker has two seconds to recover a dead holder before that is a finding', async (t) => {
    const path = plantedSpool(t);
    const owner = someOwner();
    plantDeadRecord(path, owner);
    plantDirectory(path, `running/${owner}`);
    const context = contextFor(path);
    const worker = await register(context, { role: 'supervisor', queues: null, tasks: [] });
    t.after(() => worker.release());
    const startedAt = performance.now();
    const isRecovered = (): boolean => performance.now() - startedAt > 1_500;
    const walk: Files['walk'] = (place) => nodeFiles.list(place).filter((name) => name !== owner || !isRecovered());

    const findings = await checkSpool({ ...context, files: { ...nodeFiles, walk } });

    assert.deepEqual(
      findings.filter(({ code }) => code === 'dead-holder'),
      [],
    );
  });

  test('of a directory that was fenced the recoverer answers', async (t) => {
    const path = plantedSpool(t);
    const [owner, recoverer] = [someOwner(1), someOwner(2)];
    plantDeadRecord(path, owner);
    plantDeadRecord(path, recoverer, 'supervisor');
    plantDirectory(path, `running/${owner}~${recoverer}`);

    const findings = await look(path);

    assert.deepEqual(
      findings.map(({ code }) => code),
      ['dead-holder'],
    );
    plant(path, `workers/${recoverer}.json`, JSON.stringify({ v: 1, owner: recoverer, pid: 1, role: 'supervisor' }));
    await assertFound(path, 'unproved-owner', { location: join(path, `workers/${recoverer}.json`) });
    assert.equal((await look(path)).length, 1, 'as long as the recoverer may live, it is left to it');
  });

  test('an owner of whose life nothing can be proved is named, with the reason', async (t) => {
    const path = plantedSpool(t);
    const owner = someOwner();
    plant(path, `workers/${owner}.json`, JSON.stringify({ v: 1, owner, pid: 1, role: 'child' }));
    plantDirectory(path, `running/${owner}`);

    await assertFound(path, 'unproved-owner', { severity: 'warning', canRepair: false });
  });
});

describe('I9 drafts of the dead', () => {
  const DEAD_WRITER = `${writerName(nodeFiles, process.pid).replace(/^\d+/, '4194305')}.aa.0`;

  test('are an error at rest and go by themselves otherwise', async (t) => {
    const path = plantedSpool(t);
    plant(path, `tmp/${DEAD_WRITER}`, 'x');

    await assertFound(path, 'draft-of-the-dead', { severity: 'info', canRepair: true });
    const atRest = await checkSpool(path, { atRest: true });
    assert.deepEqual(
      atRest.map(({ code, invariant, severity }) => [code, invariant, severity]),
      [['draft-of-the-dead', 'I9', 'error']],
    );
  });

  test('a draft whose writer may live is named after an hour, and then goes', async (t) => {
    const path = plantedSpool(t);
    plant(path, 'tmp/1-1-00000001-00000001.aa.0', 'x');
    assert.deepEqual(await look(path), []);

    const later = { ...contextFor(path), nowMs: () => Date.now() + 3_700_000 };
    const [finding] = await checkSpool(later);

    assert.deepEqual([finding?.code, finding?.severity, finding?.canRepair], ['old-draft', 'info', true]);
  });

  test('a draft of another program is named once it is old', async (t) => {
    const path = plantedSpool(t);
    const draft = plant(path, 'tmp/enqueue.x', 'x');
    assert.deepEqual(await look(path), []);

    utimesSync(draft, 1, 1);

    await assertFound(path, 'old-draft', { severity: 'info', canRepair: false });
  });
});

test('I11: an attempt that began before the job was due', async (t) => {
  const path = plantedSpool(t);
  const id = nextId();
  plant(
    path,
    `results/${id}.json`,
    jobText({ id, etaMs: 2_500 }, { attempts: [attempt({ startedAtMs: 2_000 })], outcome: SUCCEEDED }),
  );

  await assertFound(path, 'too-early', { invariant: 'I11', id });
});

describe('I13 permissions and links', () => {
  const cases: readonly [what: string, code: string, severity: string, make: (path: string, file: string) => void][] = [
    ['a file that others can write', 'writable-by-others', 'error', (_, file) => chmodSync(file, 0o622)],
    ['a file that others can read', 'mode', 'warning', (_, file) => chmodSync(file, 0o644)],
    [
      'a directory that others can write',
      'writable-by-others',
      'error',
      (path) => chmodSync(join(path, 'pending'), 0o777),
    ],
    ['a directory that others can list', 'mode', 'warning', (path) => chmodSync(join(path, 'results'), 0o755)],
    ['a symbolic link', 'symbolic-link', 'error', (path, file) => symlinkSync(file, join(path, 'tmp/link'))],
    [
      'a directory that is a link',
      'symbolic-link',
      'error',
      (path) => {
        rmdirSync(join(path, 'logs'));
        symlinkSync(join(path, 'tmp'), join(path, 'logs'));
      },
    ],
  ];
  for (const [what, code, severity, make] of cases) {
    test(what, async (t) => {
      const path = plantedSpool(t);
      const id = nextId();
      const file = plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));

      make(path, file);

      const findings = await look(path);
      assert.deepEqual(
        findings.map((found) => [found.code, found.invariant, found.severity]),
        [[code, 'I13', severity]],
      );
    });
  }

  test('what belongs to another user', async (t) => {
    const path = plantedSpool(t);
    const id = nextId();
    plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    const snapshot = await takeSnapshot(contextFor(path));
    const seen = snapshot.seen.map(({ entry, ...rest }) => {
      const uid = entry.info.uid + (entry.name.startsWith('5.') ? 1 : 0);
      return { ...rest, entry: { ...entry, info: { ...entry.info, uid } } };
    });

    const findings = invariantFindings({ ...snapshot, seen });

    assert.deepEqual(
      findings.map(({ code, invariant }) => [code, invariant]),
      [['other-user', 'I13']],
    );
  });

  test('what was set aside is left as it is', async (t) => {
    const path = plantedSpool(t);
    symlinkSync('/etc/passwd', join(path, 'corrupt/link'));

    assert.deepEqual(await look(path), []);
  });
});

test('I14: at rest nobody is registered and nothing is held', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });

  const held = await checkSpool(path, { atRest: true });
  assert.deepEqual(await checkSpool(path), []);
  await consumer.close();

  assert.ok(held.length >= 2 && held.every(({ code, invariant }) => code === 'not-at-rest' && invariant === 'I14'));
  assert.deepEqual(await checkSpool(path, { atRest: true }), []);
});

test('what is not named like anything of fsq is a warning', async (t) => {
  const path = plantedSpool(t);
  for (const place of ['pending', 'delayed', 'results', 'running', 'workers', 'spare'])
    plant(path, `${place}/README`, 'x');

  const findings = await look(path);

  assert.equal(findings.length, 6);
  assert.ok(
    findings.every(
      ({ code, severity, invariant }) => code === 'foreign' && severity === 'warning' && invariant === undefined,
    ),
  );
});

test('a directory of the spool that is gone is an error that can be repaired', async (t) => {
  const path = plantedSpool(t);
  rmdirSync(join(path, 'workers'));
  rmdirSync(join(path, 'delayed'));

  const findings = await checkSpool(path);

  assert.deepEqual(
    findings.map(({ code, location, canRepair }) => [code, location, canRepair]),
    [
      ['missing-directory', join(path, 'delayed'), true],
      ['missing-directory', join(path, 'workers'), true],
    ],
  );
});
