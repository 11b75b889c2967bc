/** Each repair: what is mended, that nothing else is touched, and what is left alone because it is not surely safe. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { contextFor } from '../../../../src/spool/doctor/examine.ts';
import { type Repair, repairSpool } from '../../../../src/spool/doctor/repair.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { writerName } from '../../../../src/spool/disk/identity.ts';
import { job, nextId } from '../../../support/factory.ts';
import { assertInvariants, namesIn, placesOf } from '../../../support/invariants.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { plantDeadOwner, pronounceDead, someOwner } from '../../../support/owners.ts';
import { attempt, jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';
import { checkSpool } from '../../../oracle/check.ts';

const OUTCOME = { state: 'succeeded', value: 3 } as const;

async function repair(spool: string): Promise<readonly Repair[]> {
  const repairs = await repairAt(contextFor(spool, false));
  assert.deepEqual(
    [namesIn(spool, 'tmp'), namesIn(spool, 'workers'), namesIn(spool, 'running')],
    [[], [], []],
    'repairing leaves nothing',
  );
  return repairs;
}

async function repairAt(context: SpoolContext): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  await repairSpool(context, (done) => repairs.push(done));
  return repairs;
}

function codes(repairs: readonly Repair[]): readonly string[] {
  return repairs.map(({ code }) => code);
}

test('nothing is done to a spool that is well', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await broker.enqueue([job(), job({ etaMs: Date.now() + 60_000 })]);
  const before = placesOf(path);

  assert.deepEqual(await repair(path), []);

  assert.deepEqual(placesOf(path), before);
});

test('missing directories are made', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  for (const name of ['workers', 'tmp', 'pending', 'running']) rmdirSync(join(path, name));

  const repairs = await repair(path);

  assert.deepEqual(
    codes(repairs),
    Array.from({ length: 4 }, () => 'missing-directory'),
  );
  await assertInvariants(path, { atRest: true });
});

test('what a dead owner holds is recovered: unfinished work runs again, a finished job is published', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const [unfinished, finished] = [nextId(), nextId()];
  plantDeadOwner(path, someOwner(), {
    [`5.${unfinished}.default.1.0.json`]: jobText({ id: unfinished }),
    [`5.${finished}.default.1.0.json`]: jobText({ id: finished }, { attempts: [attempt()], outcome: OUTCOME }),
  });

  const repairs = await repair(path);

  assert.ok(codes(repairs).includes('dead-holder'));
  assert.match(
    placesOf(path).get(unfinished)?.join() ?? '',
    new RegExp(`^delayed/\\d{13}\\.5\\.${unfinished}\\.default\\.1\\.1\\.json$`),
  );
  assert.deepEqual(placesOf(path).get(finished), [`results/${finished}.json`]);
  await assertInvariants(path, { atRest: true });
});

test('an owner that lives keeps what it holds', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await broker.enqueue([job()]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await nextWithin(consumer, 10_000);

  const repairs = await repairAt(contextFor(path, false));

  assert.deepEqual(repairs, []);
  await claim?.settle({ kind: 'publish', outcome: OUTCOME }, null);
});

test('records and drafts of the dead are removed', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  pronounceDead(path, someOwner());
  plant(path, `tmp/${writerName(nodeFiles, process.pid).replace(/^\d+/, '4194305')}.aa.0`, 'x');
  plant(path, 'tmp/1-1-00000001-00000001.aa.0', 'x');
  plant(path, 'tmp/enqueue.of-another-program', 'x');

  const repairs = await repairAt(contextFor(path, false));

  assert.deepEqual(codes(repairs), ['left-by-the-dead', 'left-by-the-dead']);
  assert.deepEqual(
    [namesIn(path, 'tmp'), namesIn(path, 'workers')],
    [['1-1-00000001-00000001.aa.0', 'enqueue.of-another-program'], []],
  );
});

describe('broken files are set aside with a failed outcome', () => {
  for (const place of ['pending', 'delayed', 'results'] as const) {
    test(`in ${place}/`, async (t) => {
      const { path, broker } = tempSpool(t, { fsync: false });
      const id = nextId();
      const name = {
        pending: `5.${id}.default.0.0.json`,
        delayed: `1700000000000.5.${id}.default.0.0.json`,
        results: `${id}.json`,
      }[place];
      plant(path, `${place}/${name}`, '{"tas');

      const repairs = await repair(path);

      assert.deepEqual(codes(repairs), ['unreadable']);
      assert.equal((await broker.outcome(id))?.outcome?.state, 'failed');
      assert.equal(readFileSync(join(path, `corrupt/5.${id}.default.0.0.json`), 'utf8'), '{"tas');
      await assertInvariants(path, { atRest: true, journal: { accepted: [{ id }] } });
    });
  }

  test('a broken file whose job has an outcome already does not change that', async (t) => {
    const { path } = tempSpool(t, { fsync: false });
    const id = nextId();
    const outcome = jobText({ id }, { attempts: [attempt()], outcome: OUTCOME });
    const result = plant(path, `results/${id}.json`, outcome);
    plant(path, `pending/5.${id}.default.0.0.json`, 'x');

    await repair(path);

    assert.equal(readFileSync(result, 'utf8'), outcome);
    await assertInvariants(path, { atRest: true });
  });
});

describe('duplicates', () => {
  const outcome = (id: string): string => jobText({ id }, { attempts: [attempt()], outcome: OUTCOME });
  const cases: readonly [
    what: string,
    files: (id: string) => Readonly<Record<string, string>>,
    kept: (id: string) => string,
  ][] = [
    [
      'a result counts more than a waiting job',
      (id) => ({ [`pending/5.${id}.default.0.0.json`]: jobText({ id }), [`results/${id}.json`]: outcome(id) }),
      (id) => `results/${id}.json`,
    ],
    [
      'a ready job more than a delayed one',
      (id) => ({
        [`delayed/1700000000000.5.${id}.default.0.0.json`]: jobText({ id }),
        [`pending/5.${id}.default.0.0.json`]: jobText({ id }),
      }),
      (id) => `pending/5.${id}.default.0.0.json`,
    ],
    [
      'of two in one place the one with more attempts',
      (id) => ({
        [`pending/5.${id}.default.0.0.json`]: jobText({ id }),
        [`pending/5.${id}.default.2.1.json`]: jobText({ id }),
      }),
      (id) => `pending/5.${id}.default.2.1.json`,
    ],
  ];
  for (const [what, files, kept] of cases) {
    test(`are removed when they hold the same job: ${what}`, async (t) => {
      const { path } = tempSpool(t, { fsync: false });
      const id = nextId();
      for (const [name, text] of Object.entries(files(id))) plant(path, name, text);

      const repairs = await repair(path);

      assert.deepEqual(codes(repairs), ['duplicate']);
      assert.deepEqual(placesOf(path).get(id), [kept(id)]);
      await assertInvariants(path, { atRest: true });
    });
  }

  test('are left alone, and named, when they differ', async (t) => {
    const { path } = tempSpool(t, { fsync: false });
    const id = nextId();
    const files = [
      plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id, args: [1] })),
      plant(path, `delayed/1700000000000.5.${id}.default.0.0.json`, jobText({ id, args: [2] })),
    ];

    assert.deepEqual(await repair(path), []);

    assert.ok(files.every((file) => existsSync(file)));
    const findings = await checkSpool(path);
    assert.deepEqual(
      findings.map(({ code, canRepair }) => [code, canRepair]),
      [['duplicate', false]],
    );
  });

  test('are left alone when they say the same in other bytes', async (t) => {
    const { path } = tempSpool(t, { fsync: false });
    const id = nextId();
    plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
    plant(path, `delayed/1700000000000.5.${id}.default.0.0.json`, jobText({ id }).replace('{', '{ '));

    assert.deepEqual(await repair(path), []);

    assert.equal(placesOf(path).get(id)?.length, 2);
  });

  test('are left alone while one of them runs and the other has ended', async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const sent = job({ enqueuedAtMs: 1_000 }); // As in `outcome`: it is the same job.
    await broker.enqueue([sent]);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    const claim = await nextWithin(consumer, 10_000);
    const { id } = sent.job;
    plant(path, `results/${id}.json`, outcome(id));

    assert.deepEqual(await repairAt(contextFor(path, false)), []);

    assert.equal(placesOf(path).get(id)?.length, 2);
    await claim?.settle({ kind: 'publish', outcome: OUTCOME }, null);
  });
});
