import assert from 'node:assert/strict';
import test from 'node:test';
import { noticeOf, queueNotice } from '../../../../../src/cli/commands/call/likely-task.ts';

const TEXT = `
import { task } from 'fsq';
export const add = task('add', (a, b) => a + b);
task<[string], void>("send-mail", { retries: 3 }, (to) => {});
task(\`resize\`, () => {});
const NAME = 'constant';
task(NAME, () => {});
`;

for (const [task, near] of [
  ['adn', 'add'],
  ['sendmail', 'send-mail'],
  ['rezise', 'resize'],
  ['reprot', 'report'],
] as const)
  test(`${task} is likely to be ${near}`, () => {
    assert.match(noticeOf(task, [TEXT], ['report']) ?? '', new RegExp(`task ${task}; did you mean ${near}\\?`));
  });

for (const [task, why] of [
  ['add', 'a module registers it'],
  ['constant', 'its name stands somewhere'],
  ['report', 'workers have run it'],
  ['other-thing', 'no name is near'],
] as const)
  test(`nothing is said of ${task}: ${why}`, () => {
    assert.equal(noticeOf(task, [TEXT], ['report']), null);
  });

test('nothing is said where no module can be read, and of what is no name of a task', () => {
  assert.equal(noticeOf('adn', [], []), null);
  assert.equal(noticeOf('adn', ["task('a\u001b[2Jn', () => 1)"], []), null);
});

const QUEUES = `
task('bill', { retries: 2, queue: 'invoices' }, () => 1);
task('plain', () => 1);
task('mail', { queue: "post" }, () => 1);
`;

for (const [task, ran, notice] of [
  ['bill', [], /^A module here gives task bill queue invoices; this one waits in default.*`-q invoices`/],
  ['mail', ['slow'], /^A module here gives task mail queue post;/],
  ['plain', ['slow'], /^Jobs of task plain ran in queue slow so far;/],
] as const)
  test(`a job of ${task} is told to be in another queue than its siblings`, () => {
    const figures = ran.map((queue) => ({ task, queue }));

    assert.match(queueNotice(task, [QUEUES], figures) ?? '', notice);
  });

test('no queue is told that nothing speaks for, or where jobs of the task run in the default one', () => {
  const ran = [
    { task: 'plain', queue: 'slow' },
    { task: 'plain', queue: 'default' },
    { task: 'other', queue: 'slow' },
    { task: '(others)', queue: '(others)' },
  ];

  assert.deepEqual([queueNotice('plain', [QUEUES], ran), queueNotice('new', [QUEUES], ran)], [null, null]);
  assert.equal(queueNotice('(others)', [], ran), null);
});
