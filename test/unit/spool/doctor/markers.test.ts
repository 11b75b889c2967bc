import assert from 'node:assert/strict';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { contextFor } from '../../../../src/spool/doctor/examine.ts';
import { type Repair, repairSpool } from '../../../../src/spool/doctor/repair.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { job, nextId } from '../../../support/factory.ts';
import { tempSpool } from '../../../support/temp.ts';
import { checkSpool } from '../../../oracle/check.ts';

test('a marker whose job has ended or is nowhere is found and removed; a fresh one, and one of a job that waits, is not', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const [ended, waiting] = [job(), job()];
  await broker.enqueue([ended, waiting]);
  await broker.revoke([ended.job.id]);
  const nowhere = nextId();
  const old = [ended.job.id, `${nowhere}.terminate`, waiting.job.id];
  for (const name of [...old, nextId()]) writeFileSync(join(path, 'cancel', name), '', { mode: 0o600 });
  for (const name of old) utimesSync(join(path, 'cancel', name), 1_000, 1_000);

  const findings = await checkSpool(path);
  const repairs: Repair[] = [];
  await repairSpool(contextFor(path), (done) => repairs.push(done));

  assert.deepEqual(
    findings.map(({ code, id, severity }) => [code, id, severity]).toSorted(),
    [
      ['stale-marker', ended.job.id, 'warning'],
      ['stale-marker', nowhere, 'warning'],
    ].toSorted(),
  );
  assert.equal(repairs.filter(({ code }) => code === 'stale-marker').length, 2);
  assert.equal(readdirSync(join(path, 'cancel')).length, 2);
});
