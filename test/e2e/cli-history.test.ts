/** `fsq history`: the whole life of a job as events, for people and for programs. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { nextId } from '../support/factory.ts';
import { fsq, tempProject } from '../support/project.ts';

const TASKS = `
import { existsSync } from 'node:fs';
import { currentJob, task } from 'fsq';
task('prints', { retries: 1, backoff: 0 }, (from) => {
  for (let i = 0; i < 5; i++) console.log('line', i, '\\u001b]52;c;aGk=\\u0007');
  currentJob().progress({ done: 1, total: 4 });
  if (!existsSync('fine')) throw new TypeError('out of paper\\nand of ink');
  return { from, text: 'x'.repeat(500) };
});
`;

/** The kinds of the lines, with what follows, without times. */
function told(stdout: string): readonly string[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .slice('2026-03-01 09:30:00.250+09:00'.length)
        .replace(/^ +\+\d+ m?s  /, '')
        .trim(),
    );
}

test('a job that failed, was sent back and succeeded has one line for each event, the oldest first', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const [id = ''] = await pendingJobs(at.spool, {
    task: 'prints',
    args: [7],
    options: { retries: 1, backoff: { initialMs: 0, factor: 1, maxMs: 0, jitter: false } },
  });
  const burst = (): Promise<unknown> => fsq(at, ['worker', '--burst', '-c', '1', '-l', 'silent']);

  const waiting = await fsq(at, ['history', id]);
  await burst();
  const failed = await fsq(at, ['history', id.slice(0, 30)]);
  const broker = openSpool({ path: at.spool, fsync: false });
  await broker.retry([id]);
  await broker.close();
  const back = await fsq(at, ['history', id]);
  await fsq(at, ['pause', 'default']);
  const follower = fsq(at, ['history', id, '-f', '--json']);
  await fsq(at, ['resume', 'default']);
  writeFileSync(`${at.path}/fine`, '');
  await burst();
  const [done, json, followed] = [
    await fsq(at, ['history', id]),
    await fsq(at, ['history', id, '--json']),
    await follower,
  ];

  assert.deepEqual(told(waiting.stdout), ['accepted  prints in queue default']);
  const first = [
    'accepted  prints in queue default',
    /^started   attempt 1 by \d+-\w+$/,
    /^log       stdout: line 0 \\u\{1b\}\]52/,
    /^log       stdout: line 1/,
    /^and \d+ more lines: `fsq logs /,
    'retried   attempt 1: TypeError: out of paper\\u{a}and of ink',
    /^started   attempt 2 by/,
  ];
  const lines = told(failed.stdout);
  for (const [i, wanted] of first.entries())
    if (typeof wanted === 'string') assert.equal(lines[i], wanted);
    else assert.match(lines[i] ?? '', wanted);
  assert.ok(lines.includes('progress  25 % (1 of 4)'), failed.stdout);
  assert.equal(lines.at(-1), 'failed    TypeError: out of paper\\u{a}and of ink');
  assert.match(back.stdout, /failed    TypeError: out of paper.*\n\? +sent-back attempt 2: TypeError/);
  assert.match(told(done.stdout).at(-1) ?? '', /^succeeded \{"from":7,"text":"x+… \(`fsq get/);
  const events = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; text?: string; value?: unknown });
  assert.equal(events.filter(({ kind, text }) => kind === 'log' && text?.startsWith('line') === true).length, 15);
  assert.deepEqual(events.at(-1)?.value, { from: 7, text: 'x'.repeat(500) });
  assert.match(followed.stdout, /"kind":"succeeded".*\n$/);
  assert.deepEqual([done.code, json.code, followed.code, failed.code], [0, 0, 0, 0]);
});

test('bad input ends it as it ends every command that takes an id', async (t) => {
  const at = tempProject(t, {});
  await pendingJobs(at.spool, {}, {});

  const codes: (number | null)[] = [];
  for (const args of [[], ['x'], ['0'], [nextId()], [nextId(), '-f'], ['0', '--full']])
    codes.push((await fsq(at, ['history', ...args])).code);

  assert.deepEqual(codes, [2, 2, 2, 3, 3, 2]);
});
