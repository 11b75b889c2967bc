/** How soon a child that died is replaced. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cannotStart, Restarts, restartDelayMs } from '../../../src/worker/restart.ts';

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
  restarts.ready();

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
