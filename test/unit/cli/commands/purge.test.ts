/** The question of `fsq purge`, and what comes of each answer. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { COMMON_OPTIONS, parseLine } from '../../../../src/cli/command.ts';
import { purge } from '../../../../src/cli/commands/clean/purge.ts';
import { pendingJobs } from '../../../support/ended-jobs.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

/** Somebody at a terminal who answers so. */
async function purgeWith(t: TestContext, answer: string): Promise<{ code: number; asked: string; left: number }> {
  const { path } = tempSpool(t);
  await pendingJobs(path, {}, {});
  let asked = '';
  async function* input(): AsyncGenerator<string> {
    if (answer !== '') yield answer;
  }
  const output = { isTTY: true, columns: null, hasColours: false, isClosed: false, caughtUp: () => null };
  const code = await purge.run({
    ...parseLine(['--spool', path], { ...purge.options, ...COMMON_OPTIONS }),
    stdin: Object.assign(input(), { isTTY: true }),
    stdout: { ...output, write: () => undefined },
    stderr: { ...output, write: (text) => void (asked += text) },
    commands: {},
    env: {},
    version: '0',
    print: () => undefined,
    tell: (message) => void (asked += message ?? ''),
  });
  return { code, asked, left: namesIn(path, 'pending').length };
}

for (const answer of ['y\n', 'Yes\n', ' YES '])
  test(`${JSON.stringify(answer)} is a yes`, async (t) => {
    const { code, asked, left } = await purgeWith(t, answer);

    assert.match(asked, /^By task: 2 echo\.\nrevoke 2 jobs of .*\? \[y\/N\] $/);
    assert.deepEqual([code, left], [0, 0]);
  });

for (const answer of ['n\n', '\n', '', 'yellow\n'])
  test(`${JSON.stringify(answer)} is a no`, async (t) => {
    const { code, asked, left } = await purgeWith(t, answer);

    assert.match(asked, /Nothing was changed\.$/);
    assert.deepEqual([code, left], [2, 2]);
  });
