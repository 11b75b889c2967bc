/** Completions: what a shell is answered, and what real shells make of it at a press of Tab. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { threw } from '../support/factory.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, type Project, REPOSITORY, tempProject } from '../support/project.ts';
import { inTerminal, type Terminal } from '../support/terminal.ts';

describe('a shell is answered', () => {
  const answer = async (project: Project, ...words: readonly string[]): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await fsq(project, ['completion', 'fish', '--', ...words]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return stdout.trimEnd().split('\n');
  };

  test('with the jobs of the spool, those that were sent last first', async (t) => {
    const project = await tempProject(t, {});
    const failed = await settledJob(project.spool, { task: 'mail' }, threw('no'));
    const [one = '', other = ''] = await pendingJobs(project.spool, { task: 'mail:send' }, { task: 'add' });

    const [lookup, ...lines] = await answer(project, 'show', '');

    assert.equal(lookup, ':words');
    assert.deepEqual(
      lines.slice(0, 3).map((line) => line.replace(/, \d+ m?s ago$/, '')),
      [`${other}\tadd, pending`, `${one}\tmail:send, pending`, `${failed}\tmail, failed`],
    );
    assert.deepEqual((await answer(project, 'show', failed.slice(0, -1))).length, 2);
    assert.deepEqual(await answer(project, 'show', 'zz'), [':words']);
    assert.deepEqual(await answer(project, 'show', '../'), [':words']);
  });

  test('with tasks, queues and schedules, also after a comma and of another spool', async (t) => {
    const project = await tempProject(t, {
      'fsq.config.mjs': `console.log('noise'); export default { queues: { slow: { concurrency: 1 } }, schedules: { nightly: { task: 'add', cron: '0 3 * * *' } } };`,
    });
    await pendingJobs(project.spool, { task: 'add', queue: 'mail' }, { task: 'mail:send' });
    const there = `--spool=${project.spool}`;

    const values = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await answer(project, ...words)).slice(1).map((line) => line.split('\t')[0] ?? '');

    assert.deepEqual(await values('ls', '--task', ''), ['add', 'mail:send']);
    assert.deepEqual(await values('ls', '--task=add,m'), ['--task=add,mail:send']);
    assert.deepEqual(await values('pause', ''), ['default', 'mail', 'slow']);
    assert.deepEqual(await values('schedule', 'pause', 'n'), ['nightly']);
    assert.deepEqual(await values('ls', there, '-s', 'f'), ['failed']);
    assert.deepEqual(await values('ls', '--spool', join(project.path, 'none'), '--task', ''), []);
    assert.equal(existsSync(join(project.path, 'none')), false, 'none is made');
  });

  test('with commands, options and settings', async (t) => {
    const project = await tempProject(t, {});

    assert.deepEqual(await answer(project, 'compl'), [
      ':words',
      'completion\tteach a shell to complete commands, options, and what is in…',
    ]);
    assert.ok((await answer(project, 'help', '')).some((line) => line.startsWith('worker\t')));
    assert.deepEqual(await answer(project, 'worker', '-l', 'w'), [':words', 'warn']);
    assert.deepEqual(await answer(project, 'worker', '--watc'), [
      ':words',
      '--watch\tstart new children when a task module, or what one imports,…',
    ]);
    assert.deepEqual(await answer(project, 'drain', '--junit', ''), [':files']);
    assert.deepEqual(await answer(project, 'ls', '--spool', ''), [':folders']);
  });

  test('with nothing where the line is wrong, the spool broken, or a name hostile', async (t) => {
    const project = await tempProject(t, {});
    mkdirSync(join(project.path, 'odd'));
    writeFileSync(join(project.path, 'odd', 'format.json'), '{{{');
    writeFileSync(join(project.path, 'file'), '');

    for (const words of [
      ['nothing', ''],
      ['help', 'x', ''],
      ['show', '--nothing', '--', 'a', ''],
      ['--nothing', ''],
    ])
      assert.deepEqual(await answer(project, ...words), [':words'], words.join(' '));
    for (const spool of ['odd', 'file', '/proc/1', '/dev/null', 'a\u001b]52;c;x\u0007'])
      assert.deepEqual(await answer(project, 'show', '--spool', spool, ''), [':words'], spool);
  });

  test('a shell that nobody knows is named', async (t) => {
    const project = await tempProject(t, {});

    const { code, stderr } = await fsq(project, ['completion', 'fishh']);

    assert.equal(code, 2);
    assert.match(stderr, /Expected a shell to be one of bash, zsh, fish, powershell, got "fishh"; did you mean fish\?/);
  });
});

/** A folder for each shell, with jobs of known ids, and fsq in its path. */
async function withFsq(t: TestContext): Promise<Project> {
  const project = await tempProject(t, {});
  const program = join(project.path, 'bin', 'fsq');
  mkdirSync(join(project.path, 'bin'));
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${REPOSITORY}/bin/fsq.js "$@"\n`);
  chmodSync(program, 0o755);
  await pendingJobs(project.spool, { task: 'mail:send', queue: 'letters' });
  writeFileSync(join(project.path, 'report.xml'), '');
  return project;
}

interface Sample {
  readonly command: string;
  /** Typed first. */
  readonly load: string;
  /** What the prompt looks like. */
  readonly prompt: RegExp;
}

const SHELLS: Readonly<Record<string, Sample>> = {
  bash: { command: 'bash --norc --noprofile -i', load: 'source <(fsq completion bash)', prompt: /^bash-[\d.]+[#$]/ },
  zsh: {
    command: 'zsh -f -i',
    load: 'autoload -U compinit; compinit -u -D; source <(fsq completion zsh)',
    prompt: /^\S*[#%]/,
  },
  fish: { command: 'fish --no-config -i', load: 'fsq completion fish | source', prompt: /[#>]$/ },
};

describe('at a press of Tab', { concurrency: 3 }, () => {
  for (const [name, { command, load, prompt }] of Object.entries(SHELLS))
    test(
      `${name} completes a command, a task with a colon, a queue behind = and a file`,
      {
        skip: lacksProgram('tmux', name),
      },
      async (t) => {
        const project = await withFsq(t);
        const terminal = await inTerminal(t, project, command, {
          columns: 100,
          env: { PATH: `${project.path}/bin:${process.env['PATH'] ?? ''}`, HOME: project.path, LC_ALL: 'C.UTF-8' },
        });
        await terminal.shows(prompt);
        await terminal.type(load, 'Enter', 'echo rea""dy', 'Enter');
        await terminal.shows(/^ready$/);

        for (const [typed, line] of [
          ['fsq stat', /fsq status $/],
          ['fsq call mail:s', /fsq call mail:send ?$/],
          ['fsq ls --queue=let', /fsq ls --queue=letters ?$/],
          ['fsq drain --junit rep', /fsq drain --junit report.xml ?$/],
        ] as const)
          await completes(terminal, typed, line);
      },
    );

  async function completes(terminal: Terminal, typed: string, line: RegExp): Promise<void> {
    await terminal.type('C-u', 'C-l', typed, 'Tab');
    await terminal.shows(new RegExp(line.source.replace(/ \$$/, ' ?$')));
  }
});

test('bash lists what begins alike with what it is', { skip: lacksProgram('tmux', 'bash') }, async (t) => {
  const project = await withFsq(t);
  await pendingJobs(project.spool, { task: 'add' });
  const terminal = await inTerminal(t, project, 'bash --norc --noprofile -i', {
    columns: 100,
    env: { PATH: `${project.path}/bin:${process.env['PATH'] ?? ''}` },
  });
  await terminal.type('source <(fsq completion bash)', 'Enter', 'fsq get ', 'Tab');
  await terminal.shows(/fsq get [0-9a-f]{4}/);
  await terminal.type('Tab', 'Tab'); // The first finds nothing more to insert, and the second lists.

  const screen = await terminal.shows(/^[0-9a-f-]{36} {2}\(mail:send, pending, .* ago\)$/);

  assert.match(screen.find((row) => /^[0-9a-f-]{36} {2}/.test(row)) ?? '', /\(add, pending/, 'that came last');
});
