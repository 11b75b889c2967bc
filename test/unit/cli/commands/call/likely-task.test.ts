import assert from 'node:assert/strict';
import test from 'node:test';
import { noticeOf } from '../../../../../src/cli/commands/call/likely-task.ts';

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
