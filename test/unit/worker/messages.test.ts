/** What a child is told at its start, however much it is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fromArguments } from '../../../src/worker/child/load-tasks.ts';
import { toArguments } from '../../../src/worker/messages.ts';

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
