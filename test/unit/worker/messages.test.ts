/** What a child is told at its start, however much it is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fromArguments } from '../../../src/worker/child/load-tasks.ts';
import { parseFromChild, parseToChild, toArguments } from '../../../src/worker/messages.ts';

test('a value of more than an argument may hold comes through a process as it is', () => {
  const value = { modules: Array.from({ length: 5_000 }, (_, i) => `/srv/shop/tasks/é€😀 ${i}/${'x'.repeat(100)}.ts`) };

  const { stdout, error } = spawnSync(
    process.execPath,
    ['-e', 'console.log(JSON.stringify(process.argv))', 'no script', ...toArguments(value)],
    { encoding: 'utf8', maxBuffer: 2 ** 25 },
  );

  assert.equal(error, undefined);
  assert.deepEqual(fromArguments(JSON.parse(stdout)), value);
});

test('no character is cut in two', () => {
  for (const shift of ['', 'x']) {
    const value = shift + '😀'.repeat(40_000);

    assert.ok(toArguments(value).every((piece) => Buffer.from(piece).toString() === piece));
    assert.equal(fromArguments(['node', 'child.js', ...toArguments(value)]), value);
  }
});

test("the broker's words go through untouched in both directions, of whatever kind they are", () => {
  for (const word of [
    { type: 'names', names: ['a'] },
    { type: 'stop' },
    { type: 'later', deep: [{ n: 1 }] },
    'x',
    null,
  ]) {
    assert.deepEqual(parseToChild({ type: 'hint', word }), { type: 'hint', word });
    assert.deepEqual(parseFromChild({ type: 'hint', word }), { type: 'hint', word });
  }
});

test('what is no message is taken for none: user code shares the channel', () => {
  for (const message of [null, 'stop', [], {}, { type: 'names', names: [] }, { type: 'want', isIdle: true }]) {
    assert.equal(parseToChild(message), null);
    assert.equal(parseFromChild(message), null);
  }
});
