import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerInfo, Sighting } from '../../../src/broker/broker.ts';
import { jobId, livingTasks, mismatchNotice, nobodyNotice, waitNotice } from '../../../src/cli/lookup.ts';
import { job } from '../../support/factory.ts';
import { owner } from '../../support/owner-info.ts';

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

test('a task that a living worker knows needs no word', () => {
  assert.equal(mismatchNotice([owner({ tasks: ['add'] })], 'add', 'default'), null);
});

test('a task that none knows is told with the nearest name', () => {
  const notice = mismatchNotice([owner({ tasks: ['add'] }), owner({ tasks: ['mail'] })], 'adn', 'default');

  assert.equal(notice, 'No running worker knows task adn; did you mean add? The job waits for a worker that knows it.');
});

test('without a near name the known ones are listed', () => {
  assert.match(
    mismatchNotice([owner({ tasks: ['add', 'mail'] })], 'resize', 'default') ?? '',
    /they know add, mail\. The job waits/,
  );
});

test('nothing is said when nobody lives who could know: the worker may start later', () => {
  const dead = owner({ verdict: 'dead', tasks: ['add'] });
  const unproved = owner({ verdict: 'unknown', tasks: ['add'] });
  const supervisor = owner({ role: 'supervisor' });

  assert.equal(mismatchNotice([dead, unproved, supervisor], 'adn', 'default'), null);
  assert.deepEqual(livingTasks([dead, unproved, supervisor]), []);
});

test('a queue that no living worker takes jobs from is told', () => {
  const notice = mismatchNotice([owner({ tasks: ['add'], queues: ['default'] })], 'add', 'mail');

  assert.match(notice ?? '', /No running worker takes jobs of queue mail.*`fsq worker -Q mail`/);
});

test('who waits is told when nobody works', () => {
  assert.match(nobodyNotice([owner({ verdict: 'dead' })]) ?? '', /^No worker is running on this spool/);
  assert.equal(nobodyNotice([owner({})]), null);
});

test('who waits is told of a worker none of whose children is ready', () => {
  const worker = owner({ pid: 7, role: 'supervisor' });

  assert.equal(
    nobodyNotice([worker, owner({ pid: 8, parent: worker.owner, verdict: 'dead' })]),
    'A worker (pid 7) runs but none of its children is ready: see its log. The job waits.',
  );
  assert.equal(nobodyNotice([worker, owner({ pid: 8, parent: worker.owner })]), null);
});

test('who waits for a job that runs in what is left of a worker is told that, and others that they wait', () => {
  const orphan = owner({ pid: 8, parent: '7-0123456789abcdef' });
  const sighting = (holder: string | null): Sighting => ({ ...RUNNING, owner: holder });

  assert.equal(nobodyNotice([orphan], sighting(orphan.owner)), 'The job runs in process 8, whose worker is gone.');
  assert.match(nobodyNotice([orphan], sighting(null)) ?? '', /^No worker is running on this spool: the job waits/);
  assert.match(
    nobodyNotice([orphan]) ?? '',
    /^No worker is running on this spool, and what is left of one \(pid 8\) ends the jobs at hand only: the job waits/,
  );
  assert.equal(nobodyNotice([orphan, owner({})], sighting(orphan.owner)), null);
});

const RUNNING: Sighting = {
  id: A,
  state: 'running',
  standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  dueAtMs: null,
  owner: null,
  startedAtMs: null,
  endedAtMs: null,
  progress: null,
  location: '',
  record: null,
};

/** A job of task add that waits, with what a test says. */
function waiting(parts: Partial<Sighting>, options: { after?: string | readonly string[] } = {}): Sighting {
  const { job: base } = job({ task: 'add', options });
  return {
    id: base.id,
    state: 'pending',
    standing: { queue: 'default', priority: 5, attempt: 0, crashes: 0 },
    dueAtMs: null,
    owner: null,
    startedAtMs: null,
    endedAtMs: null,
    progress: null,
    location: 'somewhere',
    record: { job: base, attempts: [], outcome: null, parked: null, kept: {} },
    ...parts,
  };
}

test('what a job waits for: a worker, one that knows it, the resuming of its queue, another job, or its time', async () => {
  const notice = (
    sighting: Sighting,
    owners: readonly OwnerInfo[],
    ...paused: readonly string[]
  ): Promise<string | null> => waitNotice({ owners: async () => owners, paused: async () => paused }, sighting, 1_000);
  const [knows, other] = [[owner({ tasks: ['add'] })], [owner({ tasks: ['mail'] })]];

  assert.match((await notice(waiting({}), [])) ?? '', /^No worker is running on this spool: the job waits/);
  assert.match((await notice(waiting({}), other)) ?? '', /^No running worker knows task add; /);
  assert.equal(
    await notice(waiting({}), knows, 'default'),
    'Queue default is paused: the job waits until `fsq resume default`.',
  );
  assert.equal(
    await notice(waiting({ state: 'delayed' }, { after: A }), knows),
    `The job waits for the end of job ${A}.`,
  );
  assert.equal(
    await notice(waiting({ state: 'delayed' }, { after: [A, B] }), knows),
    'The job waits for the end of 2 jobs.',
  );
  assert.equal(
    await notice(waiting({ state: 'delayed', dueAtMs: 2_000 }), knows),
    'The job is not to run before 1970-01-01T00:00:02.000Z.',
  );
  assert.equal(await notice(waiting({}), knows), null);
  assert.equal(await notice(waiting({ state: 'running', owner: knows[0]?.owner ?? '' }), knows), null);
  assert.equal(await notice(waiting({ state: 'failed' }), []), null);
});
