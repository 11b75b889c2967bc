import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerInfo, Sighting } from '../../../src/broker/broker.ts';
import { jobId, waitNotice } from '../../../src/cli/lookup.ts';
import { owner } from '../../support/owner-info.ts';
import { sighting } from '../../support/sighting.ts';

const A = '0199f3c2-8d1e-7000-9c4d-5e6f708192a3';
const B = '0199f3c2-8d1e-7001-9c4d-5e6f708192a3';

function store(...ids: readonly string[]): Parameters<typeof jobId>[0] {
  return {
    place: '/spool',
    idsByPrefix: async (prefix, limit) => ids.filter((id) => id.startsWith(prefix)).slice(0, limit),
  };
}

test('a whole id is taken as it is, without a look at the store', async () => {
  assert.equal(await jobId(store(), A), A);
  assert.equal(await jobId(store(), A.toUpperCase()), A);
});

test('a beginning that one job has means that job', async () => {
  assert.equal(await jobId(store(A, B), '0199f3c2-8d1e-7001'), B);
  assert.equal(await jobId(store(A), '0199F'), A);
});

test('a beginning of several jobs is refused with the candidates, at most ten', async () => {
  await assert.rejects(jobId(store(B, A), '0199'), {
    code: 'FSQ_USAGE',
    message: new RegExp(`of 2 jobs.*\n${A}\n${B}$`),
  });

  const many = Array.from({ length: 20 }, (_, i) => A.replace('7000', `70${10 + i}`));
  await assert.rejects(jobId(store(...many), '0199'), { message: /more than 10 jobs(.*\n){11}…$/ });
});

test('a beginning of no job is an unknown job', async () => {
  await assert.rejects(jobId(store(A), '02'), { code: 'FSQ_UNKNOWN_JOB' });
});

test('what cannot be the beginning of an id is refused, whatever it is', async () => {
  for (const text of ['', '-', 'xyz', '../..', `${A}0`, '0199*', '%', '\u001b[2J'])
    await assert.rejects(jobId(store(A), text), { code: 'FSQ_USAGE' }, text);
});

test('what a job waits for: a worker, one that knows it, the resuming of its queue, another job, or its time', async () => {
  const notice = (seen: Sighting, owners: readonly OwnerInfo[], ...paused: readonly string[]): Promise<string | null> =>
    waitNotice({ owners: async () => owners, paused: async () => paused }, seen, 1_000);
  const [knows, other] = [[owner({ tasks: ['add'] })], [owner({ tasks: ['mail'] })]];

  assert.match((await notice(sighting({}), [])) ?? '', /^No worker is running on this spool: the job waits/);
  assert.match((await notice(sighting({}), other)) ?? '', /^No running worker knows task add; /);
  assert.equal(
    await notice(sighting({}), knows, 'default'),
    'Queue default is paused: the job waits until `fsq resume default`.',
  );
  assert.equal(
    await notice(sighting({ state: 'delayed' }, { options: { after: A } }), knows),
    `The job waits for the end of job ${A}.`,
  );
  assert.equal(
    await notice(sighting({ state: 'delayed' }, { options: { after: [A, B] } }), knows),
    'The job waits for the end of 2 jobs.',
  );
  assert.equal(
    await notice(sighting({ state: 'delayed', dueAtMs: 2_000 }), knows),
    'The job is not to run before 1970-01-01T00:00:02.000Z.',
  );
  assert.equal(await notice(sighting({}), knows), null);
  assert.equal(await notice(sighting({ state: 'running', owner: knows[0]?.owner ?? '' }), knows), null);
  assert.equal(await notice(sighting({ state: 'failed' }), []), null);
});
