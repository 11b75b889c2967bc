import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sighting } from '../../../src/broker/broker.ts';
import { jobId } from '../../../src/cli/lookup.ts';

const A = '0199f3c2-8d1e-7000-9c4d-5e6f708192a3';
const B = '0199f3c2-8d1e-7001-9c4d-5e6f708192a3';

type Store = Parameters<typeof jobId>[0];

function store(...ids: readonly string[]): Store {
  return {
    place: '/spool',
    find: () => Promise.reject(new Error('no id is looked for')),
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

test('on a server a whole id of another program is taken before ids that begin so, and a wrong one is unknown', async () => {
  const there = new Set(['12', '123', 'user-42', '../x']);
  const server: Store = {
    ...store('123'),
    place: 'bullmq+redis://127.0.0.1:6379/0?prefix=bull',
    find: async (id) => (there.has(id) ? sighting(id) : null),
  };

  for (const id of there) assert.equal(await jobId(server, id), id);
  await assert.rejects(jobId(server, 'user-43'), { code: 'FSQ_UNKNOWN_JOB' });
  for (const text of ['', 'a\nb', 'x'.repeat(201)]) await assert.rejects(jobId(server, text), { code: 'FSQ_USAGE' });
});

function sighting(id: string): Sighting {
  const standing = { queue: 'default', priority: 0, attempt: 0, crashes: 0 };
  const nothing = { dueAtMs: null, owner: null, startedAtMs: null, endedAtMs: null, progress: null, record: null };
  return { id, state: 'pending', standing, location: id, ...nothing };
}
