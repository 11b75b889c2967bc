/** Jobs that wait for others and are not woken, or wait for what does not come. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { contextFor, examineSpool } from '../../../../src/spool/doctor/examine.ts';
import { followerFindings } from '../../../../src/spool/doctor/job-rows.ts';
import { Doubled, type OwnerState } from '../../../../src/spool/doctor/outline.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { job, nextId, returned } from '../../../support/factory.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { AFTER_ANOTHER_MS, delayedFileName } from '../../../../src/spool/layout.ts';
import { tempSpool } from '../../../support/temp.ts';

const [ID, OTHER] = [nextId(), nextId()];
const KEEPER: OwnerState = { owner: 'o', hasRecord: true, role: 'supervisor', verdict: { verdict: 'alive' } };

test('of jobs that wait for others, those are told whose others are nowhere, or are themselves', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const ended = await settledJob(path, {}, returned(1));
  const [first, waiting] = [job(), job()];
  const id = nextId();
  await broker.enqueue([first]);
  const jobs = [
    job({ options: { after: [ended, first.job.id] } }),
    job({ options: { after: [ended] } }),
    job({ options: { after: [waiting.job.id, nextId()] } }),
    job({ id, options: { after: [id] } }),
  ];
  for (const { job: record } of jobs) {
    const name = { id: record.id, queue: 'default', priority: 5, attempt: 0, crashes: 0 };
    writeFileSync(join(path, 'delayed', delayedFileName(AFTER_ANOTHER_MS, name)), encodeBase(record), { mode: 0o600 });
  }

  const { findings } = await examineSpool(contextFor(path));

  const found = findings.kept.filter(({ code }) => code === 'waits-for-nothing' || code === 'not-woken');
  assert.deepEqual(
    found.map((finding) => `${finding.code} ${finding.id}`).toSorted(),
    [jobs[2], jobs[3]].map((one) => `waits-for-nothing ${one?.job.id ?? ''}`).toSorted(),
  );
});

test('one whose others have ended a minute ago is told where a worker runs that could have woken it', () => {
  const codes = (overSinceMs: number, owners: readonly OwnerState[]): readonly string[] =>
    followerFindings(
      { id: ID, location: 'delayed/x', waits: { overSinceMs } },
      { doubled: new Doubled(), owners, takenAtMs: 1_000_000 },
    ).map(({ code }) => code);

  assert.deepEqual(codes(900_000, [KEEPER]), ['not-woken']);
  assert.deepEqual(codes(990_000, [KEEPER]), []);
  assert.deepEqual(codes(900_000, [{ ...KEEPER, role: 'child' }]), []);
  assert.deepEqual(codes(900_000, []), []);
});

test('one that waits for a job that is there is well', () => {
  const doubled = new Doubled();
  doubled.add(OTHER);

  const found = followerFindings(
    { id: ID, location: 'delayed/x', waits: { id: OTHER } },
    { doubled, owners: [KEEPER], takenAtMs: 1 },
  );

  assert.deepEqual(found, []);
});
