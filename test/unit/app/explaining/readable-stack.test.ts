import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableStack } from '../../../../src/app/explaining/readable-stack.ts';

const STACK = `Error: no
second line
    at load (/app/src/load.ts:3:4)
    at file:///app/src/top.mjs:9:1
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at Array.map (<anonymous>)
    at query (/app/node_modules/@scope/pg/lib/q.js:1:1)
    at x (/app/node_modules/.pnpm/a@1/node_modules/a/i.js:1:1)
    at async C:\\work\\main.js:3:1
    at elsewhere (/other/place.js:1:1)
    at runJob (file:///opt/fsq/dist/shared/working.js:1:1)
    at new Promise (<anonymous>)`;

test('own frames stay, with paths from the root; those of others are told by their number and owners', () => {
  const lines = readableStack(STACK, '/app', '/opt/fsq/dist/');

  assert.deepEqual(
    lines.map(({ text, isOwn }) => `${isOwn ? '' : '~'}${text}`),
    [
      'Error: no',
      'second line',
      '    at load (src/load.ts:3:4)',
      '    at src/top.mjs:9:1',
      '~    … 4 frames of Node.js, @scope/pg, a',
      '    at async C:\\work\\main.js:3:1',
      '    at elsewhere (/other/place.js:1:1)',
      '~    … 2 frames of fsq, Node.js',
    ],
  );
});

test('many owners are cut, one frame is one, and a text without frames stays as it is', () => {
  const many = ['a', 'b', 'c', 'd'].map((name) => `    at x (/app/node_modules/${name}/i.js:1:1)`).join('\n');

  assert.deepEqual(
    [many, '    at node:internal/a:1:1', 'thrown\n  at home, in bed', ''].map((stack) =>
      readableStack(stack, '/', '/fsq/').map(({ text }) => text),
    ),
    [['    … 4 frames of a, b, c and others'], ['    … 1 frame of Node.js'], ['thrown', '  at home, in bed'], ['']],
  );
});

test('a stack of megabytes is gone through in a moment', () => {
  const stack = `${'x'.repeat(2_000_000)}\n${'    at a (/app/b.js:1:1)\n'.repeat(50_000)}    at ${'('.repeat(500_000)}`;

  const before = performance.now();
  const lines = readableStack(stack, '/app', '/fsq/');

  assert.equal(lines.length, 50_002);
  assert.ok(performance.now() - before < 5_000, 'no pattern takes more than the length');
});
