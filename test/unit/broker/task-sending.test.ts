/** What a worker's record says of its tasks comes back as it was, and what is no such thing is left out. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { readSendingOfTasks, sendingOfTasks } from '../../../src/broker/task-sending.ts';

test('tasks that say something come back from JSON, with a time in ms', () => {
  const found = sendingOfTasks([
    { name: 'bill', sending: { queue: 'invoices', priority: 0, expires: '2s' } },
    { name: 'plain', sending: {} },
    { name: 'bare' },
  ]);

  assert.deepEqual([...found.keys()], ['bill']);
  assert.deepEqual(
    readSendingOfTasks(JSON.parse(JSON.stringify([...found]))),
    new Map([['bill', { queue: 'invoices', priority: 0, expires: 2_000 }]]),
  );
});

test('what is no queue, priority, time, name or pair is left out', () => {
  const odd = [
    ['bad', { queue: '../x', priority: 12, expires: 'soon', more: 1 }],
    ['a\u001b[2J', { queue: 'mail' }],
    ['none', null],
    'text',
  ];

  assert.deepEqual(readSendingOfTasks(odd), new Map([['bad', {}]]));
  assert.deepEqual([readSendingOfTasks({}), readSendingOfTasks(undefined)], [new Map(), new Map()]);
});
