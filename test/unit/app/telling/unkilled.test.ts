/** Who kills the process of a job that is revoked so: where nobody does, that is said, and how to do it by hand. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { unkilledAmong, unkilledText } from '../../../../src/app/telling/unkilled.ts';
import type { OwnerInfo } from '../../../../src/broker/broker.ts';
import { owner } from '../../../support/owner-info.ts';
import { nextId } from '../../../support/factory.ts';
import { sighting } from '../../../support/sighting.ts';

const ID = nextId();
const SILENT = { delayMs: 12_400, isBlocked: true };
const worker = owner({ pid: 1, role: 'supervisor' });
const child = owner({ pid: 2, parent: worker.owner });
const blocked = { ...child, pulse: SILENT };

function textOf(...owners: readonly OwnerInfo[]): string | null {
  return unkilledText(owners, { id: ID, owner: child.owner }, '/spool');
}

test('a child is killed by its worker, busy or not, and by itself where that is gone', () => {
  assert.equal(textOf(worker, child), null);
  assert.equal(textOf(worker, blocked), null);
  assert.equal(textOf(child), null);
  assert.equal(textOf({ ...worker, verdict: 'dead' }, child), null);
  assert.equal(textOf({ ...worker, verdict: 'unknown' }, blocked), null);
});

test('of a process that is gone, or may be, others tell', () => {
  assert.equal(textOf(), null);
  assert.equal(textOf({ ...blocked, verdict: 'dead' }), null);
  assert.equal(textOf({ ...blocked, verdict: 'unknown' }), null);
});

test('one that blocks itself and has no worker is killed by nobody: it is said by what, and what becomes of the job', () => {
  const text = `No process is there to kill it: it runs in process 2, whose worker is gone, and which has not answered for 12 s or longer. \`kill -9 2\` ends it by hand; then a worker, or \`fsq revoke ${ID}\`, ends the job as revoked. If the process answers again, it kills itself.`;

  assert.equal(textOf(blocked), text);
  assert.equal(textOf({ ...worker, verdict: 'dead' }, blocked), text);
});

test('on another machine that is named; where a server keeps the jobs, only a worker ends the job', () => {
  const text = unkilledText([{ ...blocked, host: 'db1' }], { id: ID, owner: child.owner }, 'bullmq+redis://db1:6379');

  assert.match(
    text ?? '',
    /it runs in process 2 on db1, .*`kill -9 2` on db1 ends it by hand; then a worker ends the job/,
  );
});

test('a worker that is stopped kills later, and a process without a worker is killed by nobody', () => {
  assert.match(
    textOf({ ...worker, pulse: SILENT }, child) ?? '',
    /^Its worker \(pid 1\), which would kill it, has not answered for 12 s or longer: it does so when it answers again\. `kill -9 2`/,
  );
  assert.match(
    textOf({ ...child, role: 'consumer', parent: null }) ?? '',
    /it runs in process 2, which has no worker\./,
  );
});

test('only jobs that run there are told, and a look that fails tells of none', async () => {
  const [other, ended] = [nextId(), nextId()];
  const running = (id: string, by: string) => sighting({ id, state: 'running', owner: by });
  const jobs = new Map([
    [ID, running(ID, blocked.owner)],
    [other, running(other, '3-0123456789abcdef')],
    [ended, sighting({ id: ended, state: 'revoked', owner: blocked.owner })],
  ]);
  const place = {
    place: '/spool',
    owners: async () => [blocked, worker],
    find: async (id: string) => jobs.get(id) ?? null,
  };
  const orphaned = { ...place, owners: async () => [blocked] };

  assert.deepEqual([...(await unkilledAmong(orphaned, [ID, other, ended, nextId()])).keys()], [ID]);
  assert.equal((await unkilledAmong(place, [ID])).size, 0);
  assert.equal((await unkilledAmong({ ...orphaned, find: () => Promise.reject(new Error('away')) }, [ID])).size, 0);
});
