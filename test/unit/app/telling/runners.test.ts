import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  livingSending,
  livingTasks,
  livingWorkers,
  mismatchNotice,
  nobodyNotice,
} from '../../../../src/app/telling/runners.ts';
import type { OwnerInfo, Sighting } from '../../../../src/broker/broker.ts';
import { owner } from '../../../support/owner-info.ts';
import { sighting } from '../../../support/sighting.ts';

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

test('jobs go where the living worker says that started last, for it has the newest code', () => {
  const saying = (queue: string, startedAtMs: number): Partial<OwnerInfo> => ({
    tasks: ['bill'],
    startedAtMs,
    sending: new Map([['bill', { queue, priority: 1 }]]),
  });
  const dead = owner({ ...saying('gone', 9), verdict: 'dead' });
  const owners = [owner(saying('old', 1)), owner(saying('new', 2)), dead, owner({ tasks: ['mail'], startedAtMs: 3 })];

  assert.deepEqual(livingSending(owners, 'bill'), { queue: 'new', priority: 1 });
  assert.deepEqual([livingSending(owners, 'mail'), livingSending([dead], 'bill')], [{}, {}]);
});

test('a queue that no living worker takes jobs from is told', () => {
  const notice = mismatchNotice([owner({ tasks: ['add'], queues: ['default'] })], 'add', 'mail');

  assert.match(notice ?? '', /No running worker takes jobs of queue mail.*`fsq worker -Q mail`/);
});

test('who waits is told when nobody works', () => {
  assert.match(nobodyNotice([owner({ verdict: 'dead' })]) ?? '', /^No worker is running on this spool/);
  assert.match(nobodyNotice([], null, '/srv/spool') ?? '', /^No worker is running on this spool/);
  assert.match(
    nobodyNotice([], null, 'bullmq+redis://db:6379/0') ?? '',
    /^No worker is running on bullmq\+redis:\/\/db:6379\/0: the job/,
  );
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
  const running = (holder: string | null): Sighting => sighting({ state: 'running', owner: holder });

  assert.equal(nobodyNotice([orphan], running(orphan.owner)), 'The job runs in process 8, whose worker is gone.');
  assert.match(nobodyNotice([orphan], running(null)) ?? '', /^No worker is running on this spool: the job waits/);
  assert.match(
    nobodyNotice([orphan]) ?? '',
    /^No worker is running on this spool, and what is left of one \(pid 8\) ends the jobs at hand only: the job waits/,
  );
  assert.equal(nobodyNotice([orphan, owner({})], running(orphan.owner)), null);
});

test('a command waits for a worker that allows it, whatever other tasks are called', () => {
  const notice = mismatchNotice([owner({ tasks: ['fsq:exe'] })], 'fsq:exec', 'default');

  assert.match(notice ?? '', /^No running worker allows commands\. .*`fsq worker --allow-exec`\.$/);
});

test('a worker counts once however many children it has, also before they are ready; what lost its worker is none', () => {
  const worker = owner({ pid: 7, role: 'supervisor' });
  const children = [8, 9, 10].map((pid) => owner({ pid, parent: worker.owner }));
  const alone = owner({ pid: 20 });
  const dead = owner({ pid: 30, role: 'supervisor', verdict: 'dead' });
  const orphan = owner({ pid: 31, parent: dead.owner });

  const pids = (owners: Parameters<typeof livingWorkers>[0]): readonly number[] =>
    livingWorkers(owners).map(({ pid }) => pid);
  assert.deepEqual(pids([...children, worker, alone, dead, orphan]), [7, 20]);
  assert.deepEqual(pids([worker]), [7]);
  assert.deepEqual(pids([]), []);
});
