import assert from 'node:assert/strict';
import test from 'node:test';
import { StartWatch } from '../../../src/worker/start-watch.ts';

test('a start that ends in time is not complained of, one that does not is, once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const overdue: string[] = [];
  const quick = new StartWatch(60_000, () => overdue.push('quick'));
  const slow = new StartWatch(60_000, () => overdue.push('slow'));

  t.mock.timers.tick(30_000);
  t.mock.timers.tick(29_999);
  quick.end();
  assert.deepEqual(overdue, []);
  t.mock.timers.tick(100_000);
  slow.end();

  assert.deepEqual(overdue, ['slow']);
});

test('a process that was stopped itself hears first what its child has said meanwhile', async () => {
  let isOverdue = false;
  const watch = new StartWatch(40, () => (isOverdue = true));
  const endAt = performance.now() + 100;
  while (performance.now() < endAt);

  // What came over a channel is read after the timers that are due.
  await new Promise<void>((resolve) => setImmediate(resolve));
  watch.end();
  await new Promise((resolve) => setTimeout(resolve, 60));

  assert.equal(isOverdue, false);
});

test('a limit beyond what timers take is as long as they take, not over at once', (t) => {
  const set = t.mock.method(globalThis, 'setTimeout');

  const watch = new StartWatch(100 * 365 * 86_400_000, () => assert.fail('overdue'));
  watch.end();

  assert.equal(set.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
});

test('an end while modules are imported names the one that was imported last, or that none was', (t) => {
  const watch = new StartWatch(60_000, () => undefined);
  t.after(() => watch.end());

  assert.match(
    watch.whereItEnded(null),
    /^ before it began to import the task modules: a module of --import or NODE_OPTIONS ended/,
  );
  watch.importing('/srv/a.js');
  watch.importing('/srv/b.js');
  watch.end();
  assert.equal(
    watch.whereItEnded(null),
    ' while it imported /srv/b.js: the module ended the process, by process.exit() say',
  );
  assert.match(watch.whereItEnded('SIGSEGV'), /b\.js: the module ended the process, or somebody else did$/);
});

test('an end after the imports, or of one that took too long, was ended by no module', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const watches = [0, 1].map(() => new StartWatch(60_000, () => undefined));
  for (const watch of watches) watch.importing('/srv/a.js');

  watches[0]?.over();
  t.mock.timers.tick(30_000);
  t.mock.timers.tick(30_000);

  assert.deepEqual(
    watches.map((watch) => watch.whereItEnded('SIGKILL')),
    ['', ''],
  );
});

test('the complaint names the module that was being imported last, or that none was', (t) => {
  const watch = new StartWatch(60_000, () => undefined);
  t.after(() => watch.end());

  assert.match(watch.complaint, /^has not begun to import the task modules after 60 s .*--import or NODE_OPTIONS/);
  watch.importing('/srv/a.js');
  watch.importing('/srv/b.js');
  assert.match(watch.complaint, /^has not imported \/srv\/b\.js after 60 s \(startTimeout\): .*top-level await/);
});
