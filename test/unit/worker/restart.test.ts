/** How soon a child that died is replaced. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { cannotStart, restartDelayMs, Restarts, StartWatch } from '../../../src/worker/restart.ts';

test('a child that was of use is replaced at once, however many died before', () => {
  assert.equal(restartDelayMs(true, 50), 0);
});

test('children that die before they are of use are replaced ever more slowly, up to 10 s', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 6, 7, 100].map((deaths) => restartDelayMs(false, deaths)),
    [100, 200, 400, 800, 6_400, 10_000, 10_000],
  );
});

const died = { wasOfUse: false, startFailure: null };
const lacking = (code: string): { wasOfUse: false; startFailure: Error } => ({
  wasOfUse: false,
  startFailure: Object.assign(new Error(code), { code }),
});

test('three deaths in a row before any child was ready are the end, and so is a start that can never succeed', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const outcomes = (...ends: readonly (typeof died | ReturnType<typeof lacking>)[]): readonly (number | null)[] => {
    const restarts = new Restarts(() => undefined);
    return ends.map((end) => restarts.replace(end));
  };

  assert.deepEqual(outcomes(died, died, died), [100, 200, null]);
  assert.deepEqual(outcomes(lacking('E2BIG'), lacking('E2BIG'), lacking('E2BIG')), [100, 200, null]);
  assert.deepEqual(
    outcomes(...['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'].map(lacking)),
    [100, 200, 400, 800],
    'what may pass is waited for',
  );
  assert.deepEqual(outcomes(died, died, lacking('EAGAIN'), died, died, died), [100, 200, 400, 800, 1_600, null]);
});

test('a worker that has had a child ready never gives up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const restarts = new Restarts(() => undefined);
  restarts.persist();

  assert.deepEqual(
    [died, died, died, died].map((end) => restarts.replace(end)),
    [100, 200, 400, 800],
  );
  restarts.cancel();
  assert.equal(restarts.size, 0);
});

test('the reason says how the last child ended and what it printed', () => {
  assert.equal(
    cannotStart('child 7 exited with 3', 'Error: no database'),
    'No child can start: 3 in a row have ended before they were ready to work. The last: child 7 exited with 3. It printed:\nError: no database',
  );
  assert.match(cannotStart('child 7 exited with 3', ''), /The last: child 7 exited with 3$/);
});

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
  // Longer than the watch would have waited: nothing else tells that a timer will not fire.
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
