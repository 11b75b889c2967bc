import assert from 'node:assert/strict';
import test from 'node:test';
import { contextFor, examineSpool } from '../../../../src/spool/doctor/examine.ts';
import { type Repair, repairSpool } from '../../../../src/spool/doctor/repair.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { nextId } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';

test('what lies beside no job is found and removed, and beside a job that waits it is not; names of none are left alone', async (t) => {
  const { path } = tempSpool(t);
  const [waiting, nowhere] = [nextId(), nextId()];
  plant(path, `pending/5.${waiting}.default.1.0.json`, jobText({ id: waiting }));
  const whole = '{"v":1,"attempt":1,"atMs":1,"value":0.5}';
  for (const folder of ['progress', 'checkpoints'])
    for (const name of [`${waiting}.json`, `${nowhere}.json`, 'odd']) plant(path, `${folder}/${name}`, whole);

  for (const name of [`${waiting}.log`, `${nowhere}.log`, 'odd']) plant(path, `logs/${name}`, '');

  const findings = await checkSpool(path);
  const repairs: Repair[] = [];
  await repairSpool(contextFor(path), (done) => repairs.push(done));

  const told = findings.map(({ code, id = null, severity, canRepair }) => [code, id, severity, canRepair].join(' '));
  assert.deepEqual(
    told.toSorted(),
    [1, 2, 3].flatMap(() => [`beside-no-job ${nowhere} info true`, 'foreign  warning false']).toSorted(),
  );
  assert.deepEqual(
    repairs.map(({ code }) => code),
    ['beside-no-job', 'beside-no-job', 'beside-no-job'],
  );
  for (const folder of ['progress', 'checkpoints'])
    assert.deepEqual(namesIn(path, folder), [`${waiting}.json`, 'odd'].toSorted());
  assert.deepEqual(namesIn(path, 'logs'), [`${waiting}.log`, 'odd'].toSorted());
});

test('a spool without these folders lacks nothing', async (t) => {
  const { path } = tempSpool(t);

  assert.deepEqual(await checkSpool(path), []);
});

test('a checkpoint and a report that cannot be read are told, with what that means; a repair leaves them', async (t) => {
  const { path } = tempSpool(t);
  const id = nextId();
  plant(path, `pending/5.${id}.default.1.0.json`, jobText({ id }));
  for (const folder of ['progress', 'checkpoints']) plant(path, `${folder}/${id}.json`, '{"v":1,"val');

  const findings = (await examineSpool(contextFor(path))).findings.kept;
  await repairSpool(contextFor(path), () => undefined);

  const told = findings.map(({ code, severity, canRepair, id: about }) => [code, severity, canRepair, about].join(' '));
  assert.deepEqual(
    told,
    Array.from({ length: 2 }, () => `beside-unreadable warning false ${id}`),
  );
  const messages = findings.map(({ message, advice }) => `${message} ${advice}`).toSorted();
  assert.match(
    messages[0] ?? '',
    /checkpoints\/.* cannot be read: it is no checkpoint\. The next attempt of the job begins anew\./,
  );
  assert.match(messages[1] ?? '', /progress\/.* cannot be read: it is no report\. It counts for nothing\./);
  for (const folder of ['progress', 'checkpoints']) assert.deepEqual(namesIn(path, folder), [`${id}.json`]);
});
