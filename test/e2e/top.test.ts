/** `fsq top` as a person sees it: opened, walked through, acted in, resized, stopped and continued, and left in every way. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/conditions.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { threw } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { lacksProgram } from '../support/needs.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, run, tempProject } from '../support/project.ts';
import { fsqInTerminal, fsqLine, openTerminal, type Terminal } from '../support/terminal.ts';

const skip = lacksProgram('tmux');

/** What the terminal was like before and after, as `stty -g` tells it. */
const BETWEEN_STTY = (line: string): string => `stty -g > before; ${line}; echo exit=$?; stty -g > after`;

/** The screen holds nothing of `fsq top` any more. */
async function assertLeft(terminal: Terminal, path: string, code: number): Promise<void> {
  const screen = await terminal.shows(new RegExp(`^exit=${code}$`)); // The whole row: the line that was typed may end so as well.
  assert.ok(!screen.some((row) => /running.*queues/.test(row)), screen.join('\n'));
  const after = join(path, 'after');
  await until(() => existsSync(after) && readFileSync(after, 'utf8') !== '', 'the shell goes on');
  assert.equal(readFileSync(after, 'utf8'), readFileSync(join(path, 'before'), 'utf8'));
}

describe('fsq top on a terminal', { skip }, () => {
  test('leads from the home screen to failed jobs, which are filtered, opened, marked and retried', async (t) => {
    const project = tempProject(t, {});
    const first = await settledJob(project.spool, { task: 'send-mail', args: ['水曜日'] }, threw('no such address'));
    await settledJob(project.spool, { task: 'send-mail' }, threw('\u001b]52;c;aGk=\u0007 evil'));
    await pendingJobs(project.spool, { task: 'resize-image', queue: 'images' });

    const terminal = await fsqInTerminal(t, project, 'top', { columns: 100 });
    await terminal.shows(/^ waiting {9}1/);
    const home = await terminal.shows(/send-mail .*no such address$/);
    assert.ok(
      home.some((row) => row.includes('Error: \\u{1b}]52;c;aGk=\\u{7} evil')),
      home.join('\n'),
    );

    await terminal.type('3');
    await terminal.shows(/^> images +1 .* none takes it$/);
    await terminal.type('5', '/', 'address');
    const filtered = await terminal.shows(/^ \/address /);
    assert.equal(filtered.filter((row) => /^[> ] send-mail/.test(row)).length, 1, filtered.join('\n'));
    await terminal.type('Enter', 'Enter');
    await terminal.shows(/^ args\[0\] +"水曜日"$/);
    await terminal.shows(new RegExp(`^ id +${first}$`));

    await terminal.type('Escape');
    await terminal.shows(/^> send-mail/);
    await terminal.type('Escape', 'a', 'R');
    await terminal.shows(/^ Send 2 jobs back, to run again\? {2}y yes/);
    await terminal.type('y');
    await terminal.shows(/^ 2 jobs sent back$/);
    await terminal.shows(/No job has failed/);
    assert.equal(namesIn(project.spool, 'pending').length, 3);

    await terminal.type('q');
    await terminal.shows(/^exit=0$/);
  });

  test('fits any size, stops at Ctrl-Z, goes on after fg, and a SIGTERM leaves the terminal as it was', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, { task: 'resize-image' });
    const terminal = await openTerminal(t, project, `env 'PS1=$ ' bash --norc -i`, { columns: 80 });
    await terminal.type(BETWEEN_STTY(`sh -c 'echo $$ > pid; exec ${fsqLine('top')}'`), 'Enter');
    await terminal.shows(/^ waiting {9}1/);

    await terminal.resize(60, 10);
    const small = await terminal.shows(/^ 1 waiting/);
    assert.match(small.at(-1) ?? '', /q quit$/);
    assert.equal(small.length, 10);
    await terminal.resize(120, 30);
    await terminal.shows(/^ waiting .*ended \/s/);

    await terminal.type('C-z');
    await terminal.shows(/Stopped/);
    await terminal.type('fg', 'Enter');
    await terminal.shows(/^ waiting .*ended \/s/);
    await terminal.type('4');
    await terminal.shows(/No job waits for a time/); // Of no other tab: what is not read yet at the end goes to the shell.

    process.kill(Number(readFileSync(join(project.path, 'pid'), 'utf8')), 'SIGTERM');
    await terminal.shows(/Stopped|\$ $/);
    await terminal.type('stty -g > after; echo exit=143', 'Enter');
    await assertLeft(terminal, project.path, 143);
  });

  test('Ctrl-C ends it with 130', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});
    const terminal = await openTerminal(t, project, `env 'PS1=$ ' bash --norc -i`);
    await terminal.type(BETWEEN_STTY(fsqLine('top')), 'Enter');
    await terminal.shows(/^ waiting {9}1/);

    await terminal.type('C-c');

    await assertLeft(terminal, project.path, 130);
  });

  test('an error that nobody foresaw gives the terminal back before it is told', async (t) => {
    const files = {
      'boom.mjs': `import { isMainThread } from 'node:worker_threads';
if (isMainThread) process.stdin.on('data', (text) => { if (String(text) === 'B') throw new Error('boom'); });`,
    };
    const project = tempProject(t, files);
    await pendingJobs(project.spool, {});
    const terminal = await openTerminal(t, project, `env 'PS1=$ ' bash --norc -i`);
    await terminal.type(BETWEEN_STTY(`NODE_OPTIONS=--import=./boom.mjs ${fsqLine('top')}`), 'Enter');
    await terminal.shows(/^ waiting {9}1/);

    await terminal.type('B');

    await terminal.shows(/fsq top: .*boom/);
    await assertLeft(terminal, project.path, 70);
  });

  test('says that the spool has vanished, and goes on when it is back', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});
    const terminal = await fsqInTerminal(t, project, 'top');
    await terminal.shows(/^ waiting {9}1/);

    renameSync(project.spool, `${project.spool}.away`);
    await terminal.shows(/^ As of .* ago\. .*spool/);
    renameSync(`${project.spool}.away`, project.spool);
    await pendingJobs(project.spool, {});

    await terminal.shows(/^ waiting {9}2/);
  });

  test('ends when the terminal goes away', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});
    const terminal = await openTerminal(t, project, fsqLine('top'));
    await terminal.shows(/^ waiting {9}1/);
    const pid = await terminal.pid();

    await terminal.close();

    await until(() => !isProcessAlive(pid), 'it has ended');
  });
});

describe('fsq top refuses', () => {
  test('what is no terminal, and says what tells the same there', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});

    const { code, stdout, stderr } = await fsq(project, ['top']);

    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^fsq top: Expected a terminal .*`fsq status --watch`.*`fsq status --json`/);
  });

  test('a dumb terminal, and a spool that is not there, before it takes the screen', async (t) => {
    const project = tempProject(t, {});
    const on = (env: Readonly<Record<string, string>>): ReturnType<typeof run> =>
      run(project, 'script', ['-qec', fsqLine('top'), '/dev/null'], { env });

    const missing = await on({ TERM: 'xterm' });
    const dumb = await on({ TERM: 'dumb' });

    assert.match(missing.stdout, /^fsq top: There is no spool at /);
    assert.match(dumb.stdout, /^fsq top: Expected a terminal that moves its cursor, got TERM=dumb/);
    assert.deepEqual([missing.code, dumb.code], [75, 2]);
    for (const { stdout } of [missing, dumb]) assert.ok(!stdout.includes('\u001b'));
  });
});
