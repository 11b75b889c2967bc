/** `fsq status --watch` as a person sees it, on a terminal that is resized, while the spool goes and comes; and off one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, type Project, REPOSITORY, tempProject } from '../support/project.ts';
import { fsqInTerminal } from '../support/terminal.ts';

describe('on a terminal', { skip: lacksProgram('tmux') }, () => {
  test('the report is drawn in place, follows the spool and the size of the screen, and leaves a terminal that works', async (t) => {
    const project = tempProject(t, {});
    await fsq(project, ['init']);

    const terminal = await fsqInTerminal(t, project, 'status --watch --every 100ms', { columns: 80, rows: 24 });
    const first = await terminal.shows(/^OK$/);
    await pendingJobs(project.spool, {});
    const second = await terminal.shows(/^CRITICAL 1 job is ready and no worker runs$/);
    await terminal.resize(40, 10);
    const small = await terminal.shows(/^CRITICAL 1 job is ready and no worker$/); // A line of 39 columns.
    await terminal.resize(80, 24);
    renameSync(project.spool, `${project.spool}.gone`);
    const gone = await terminal.shows(/^UNKNOWN /);
    renameSync(`${project.spool}.gone`, project.spool);
    await terminal.shows(/^CRITICAL 1 job/);
    await terminal.type('C-c');
    const after = await terminal.shows(/exit=130$/);

    assert.equal(first[0], 'OK');
    assert.deepEqual(second.filter((row) => /^(OK|CRITICAL)/.test(row)).length, 1, second.join('\n'));
    assert.ok(small.length <= 9, small.join('\n'));
    assert.ok(!gone.some((row) => row.startsWith('pending')), gone.join('\n'));
    assert.match(after.at(-1) ?? '', /exit=130$/);
  });
});

/** Runs it without a terminal until `act` has ended, which is given what it has written by then. */
async function watched(
  t: TestContext,
  project: Project,
  args: readonly string[],
  act: (written: () => string) => Promise<void>,
): Promise<void> {
  const bin = `${REPOSITORY}/bin/fsq.js`;
  const child = spawn(process.execPath, [bin, 'status', '--watch', '--every', '50ms', ...args], {
    cwd: project.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await act(() => text);
  child.kill();
  await ended;
}

test('off a terminal the verdict has a line when it changes, also when the spool goes', async (t) => {
  const project = tempProject(t, {});
  await fsq(project, ['init']);

  await watched(t, project, [], async (written) => {
    await until(() => written().endsWith(' OK\n'), 'the first line');
    await pendingJobs(project.spool, {});
    await until(() => written().includes('CRITICAL'), 'the second line');
    renameSync(project.spool, `${project.spool}.gone`);
    await until(() => written().includes('UNKNOWN'), 'the third line');

    const lines = written().trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^\d{4}-\d\d-\d\dT\S+Z OK$/);
    assert.match(lines[1] ?? '', /Z CRITICAL 1 job is ready and no worker runs$/);
    assert.match(lines[2] ?? '', /Z UNKNOWN .*\(FSQ_\w+\)$/);
    assert.equal(lines.length, 3);
  });
});

test('--json has a document in each line', async (t) => {
  const project = tempProject(t, {});
  await fsq(project, ['init']);

  await watched(t, project, ['--json'], async (written) => {
    await until(() => written().split('\n').length > 3, 'three lines');

    const documents = written()
      .split('\n')
      .slice(0, 3)
      .map((line) => JSON.parse(line) as { verdict: { status: string } });
    assert.deepEqual(
      documents.map(({ verdict }) => verdict.status),
      ['ok', 'ok', 'ok'],
    );
  });
});

test('it ends quietly when nobody reads any more, and refuses what it cannot do before it looks', async (t) => {
  const project = tempProject(t, {});
  await fsq(project, ['init']);
  const bin = `${process.execPath} ${REPOSITORY}/bin/fsq.js`;
  const line = `${bin} status --watch --every 20ms --json | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`;

  const child = spawn('bash', ['-c', line], { cwd: project.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  await once(child, 'close');
  const wrong = await Promise.all(
    [
      ['--every', '1s'],
      ['--watch', '--every', '5'],
      ['--watch', '--every', '0s'],
      ['--watch', '--spool', 'none'],
    ].map((args) => fsq(project, ['status', ...args])),
  );

  assert.equal(text, '1\n0\n');
  assert.deepEqual(
    wrong.map(({ code }) => code),
    [2, 2, 2, 75],
  );
});
