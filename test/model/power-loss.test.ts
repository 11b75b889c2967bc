/** What a power cut may cost a job at any moment of its life: nothing, and what each fsync is needed for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DiskCall, Order } from '../support/disk-states.ts';
import {
  callsOf,
  claim,
  enqueue,
  establish,
  expire,
  finish,
  finishByCopy,
  lossesOf,
  park,
  recover,
  reuse,
  shutdown,
  start,
  withoutFsync,
} from './power-loss.ts';

/** The losses of each order; names that are there twice are looked at with the real thing (test/fault/crash-states.test.ts). */
type Expected = Readonly<Record<Exclude<Order, 'doubled'>, readonly string[]>>;

function check(name: string, calls: readonly DiskCall[], expected: Expected): void {
  for (const order of ['ordered', 'reorder'] as const) {
    test(`${name} (${order})`, (t) => {
      const { losses, states } = lossesOf(calls, order);

      t.diagnostic(`${states} states`);
      assert.deepEqual([...losses.keys()].toSorted(), expected[order].toSorted(), [...losses.entries()].join('\n'));
    });
  }
}

function both(...losses: readonly string[]): Expected {
  return { ordered: losses, reorder: losses };
}

/** Broken only where a disk may lose an earlier name and keep a later one. */
function onlyReordered(...losses: readonly string[]): Expected {
  return { ordered: [], reorder: losses };
}

const made = callsOf(establish, enqueue);
const life = callsOf(enqueue, start, claim, finish);
const copied = callsOf(enqueue, start, claim, finishByCopy);
const parked = callsOf(enqueue, start, claim, park, finish);
const expired = callsOf(enqueue, start, claim, finish, expire, reuse);
const recovered = callsOf(enqueue, start, claim, recover);
const ended = callsOf(enqueue, start, claim, finish, shutdown);

describe('a power cut costs nothing that was promised', () => {
  check('while a spool is made and a job is sent', made, both());
  check('in the life of a job', life, both());
  check('in the life of a job that is parked first', parked, both());
  check('while the disk refuses and a copy is made', copied, both());
  check('while an outcome expires and another job goes into its file', expired, both());
  check('while a job is recovered and its owner forgotten', recovered, both());
  check('while a worker ends', ended, both());
});

describe('without the fsync of', () => {
  const noName = 'an accepted job has no name';
  const notAsked = 'a directory of an owner that cannot be asked';
  const broken = ['an accepted job is not whole', 'half a job is visible'];
  const noFormat = ['a spool with accepted jobs has no format', 'the spool cannot be opened'];

  check('fsq.json', withoutFsync(made, null), both(...noFormat));
  check('a job, before it is seen', withoutFsync(life, null, 1), both(...broken));
  check('pending/, before a job is accepted', withoutFsync(life, 'pending'), both(noName));
  check('workers/, before the owner has a directory', withoutFsync(life, 'workers'), onlyReordered(notAsked));
  check('the outcome, before it is seen', withoutFsync(life, null, 2), both('half an outcome is visible'));
  check('results/, a run may be repeated but nothing is lost', withoutFsync(life, 'results'), both());
  check('an older tail that was cut', withoutFsync(parked, null, 3), both('a wrong outcome counts'));
  check('the claim, before a copy', withoutFsync(copied, 'running/A'), onlyReordered('a job has two names'));
  check('delayed/, before the directory goes', withoutFsync(recovered, 'delayed'), onlyReordered(noName));
  check(
    'running/, before an owner is forgotten: its recoverer is asked',
    withoutFsync(recovered, 'running', 2),
    both(),
  );
  check('results/, before the directory goes', withoutFsync(ended, 'results'), onlyReordered(noName));
  check('running/, before a worker has ended', withoutFsync(ended, 'running', 2), onlyReordered(notAsked));
  check(
    'an expired name, before its file is written again',
    withoutFsync(withoutFsync(expired, 'results', 2), 'tmp/E'),
    both('half an outcome is visible'),
  );
});
