/** What holds for every command: help, mistakes, errors, output. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pendingJobs } from '../support/ended-jobs.ts';
import { fsq, REPOSITORY, tempProject } from '../support/project.ts';

const BIN = join(REPOSITORY, 'bin/fsq.js');

describe('help', () => {
  test('fsq help, --help and -h, also of these words, print the overview, examples first', async (t) => {
    const project = tempProject(t, {});
    const ran = await Promise.all(
      [['help'], ['--help'], ['-h'], ['help', 'help'], ['help', '--help'], ['help', 'version']].map((args) =>
        fsq(project, args),
      ),
    );

    for (const { code, stdout, stderr } of ran) {
      assert.match(stdout, /^fsq \d.*\n\nExamples:\n(.|\n)*\nCommands:\n/);
      assert.deepEqual([code, stderr], [0, '']);
    }
  });

  test('of a command is printed whatever else is on the line, and nothing is done', async (t) => {
    const project = tempProject(t, {});

    const after = await fsq(project, ['call', 'add', '1', '--help']);
    const before = await fsq(project, ['help', 'call']);

    assert.match(after.stdout, /^fsq call: .*\n\nExamples:\n/);
    assert.equal(before.stdout, after.stdout);
    assert.deepEqual([after.code, before.code, existsSync(project.spool)], [0, 0, false]);
  });

  test('without a command it goes to stderr, and the exit code says that something is missing', async (t) => {
    const { code, stdout, stderr } = await fsq(tempProject(t, {}), []);

    assert.match(stderr, /Examples:/);
    assert.deepEqual([code, stdout], [2, '']);
  });

  test('--version prints the version of package.json', async (t) => {
    const { code, stdout } = await fsq(tempProject(t, {}), ['--version']);

    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal(code, 0);
  });
});

describe('a mistake is named on stderr and exits 2:', () => {
  const cases: readonly (readonly [line: string, message: RegExp])[] = [
    ['statsu', /^fsq: Unknown command "statsu"; did you mean status\?/],
    ['constructor', /^fsq: Unknown command "constructor"/],
    ['help statsu', /did you mean status\?/],
    ['--spool x status', /^fsq: Expected a command before "--spool"/],
    ['status --jsno', /^fsq status: Unknown option --jsno; did you mean --json\?/],
    ['status extra', /^fsq status: "extra" is one argument too many\. Usage: fsq status/],
    ['call', /^fsq call: TASK is missing\. Usage: fsq call TASK/],
    ['get', /^fsq get: ID is missing\. Usage: fsq get ID/],
    ['revoke --terminate', /^fsq revoke: Expected ids of jobs, or which are meant: --state/],
    ['pause', /^fsq pause: QUEUE is missing\./],
    ['get a b', /"b" is one argument too many/],
    ['get 0199 --timeout 5', /Expected --timeout to be a duration with its unit/],
    ['ls --state faild', /got "faild"; did you mean failed\?/],
    ['ls --limit -1', /Expected --limit to be a whole number/],
    ['status --spool', /^fsq status: Expected a value for --spool, as in --spool DIR\./],
    ['worker -l loud', /^fsq worker: Expected --log-level to be one of .*, got "loud"/],
    ['worker --env A=B', /^fsq worker: Expected --env to be an array of names/],
    ['worker --soft-time-limit 5m --time-limit 1m', /^fsq worker: Expected --soft-time-limit to be shorter than/],
    ['worker --concurrency many', /Expected --concurrency to be a whole number from 1 to 512, got "many"/],
  ];
  for (const [line, message] of cases) {
    test(`fsq ${line}`, async (t) => {
      const project = tempProject(t, {});

      const { code, stdout, stderr } = await fsq(project, line.split(' '));

      assert.match(stderr, message);
      assert.match(stderr, /\(FSQ_USAGE\)\n$/);
      assert.deepEqual([code, stdout, existsSync(project.spool)], [2, '', false]);
    });
  }
});

describe('a spool', () => {
  for (const line of ['status', 'ls', 'get 0199', 'show 0199']) {
    test(`that is not there is said by ${line.split(' ')[0]}, and none is made`, async (t) => {
      const project = tempProject(t, {});

      const { code, stdout, stderr } = await fsq(project, line.split(' '));

      assert.match(stderr, /There is no spool at .*spool\. `fsq init` makes one.*\(FSQ_NO_SPOOL\)\n$/);
      assert.deepEqual([code, stdout, existsSync(project.spool)], [75, '', false]);
    });
  }

  test('that an option named is named in the commands of the advice', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': 'export {};\n' });

    const none = await fsq(project, ['status', '--spool', 'here']);
    const { stdout } = await fsq(project, ['init', '--spool', 'here']);
    await fsq(project, ['call', 'add', '--spool', 'here']);
    const looks = await Promise.all([['status'], ['doctor']].map((args) => fsq(project, [...args, '--spool', 'here'])));

    assert.match(none.stderr, /`fsq init --spool here` makes one/);
    assert.match(stdout, /^ {2}npx fsq worker --spool here\nand in another:\n {2}npx fsq tasks --spool here$/m);
    for (const look of looks) assert.match(look.stdout, /`fsq worker --spool here` starts one/);
  });

  test('of another format is left alone', async (t) => {
    const project = tempProject(t, { 'spool/fsq.json': '{"format":2}' });
    const ran = await Promise.all([['status'], ['call', 'add'], ['init']].map((args) => fsq(project, args)));

    for (const { code, stderr } of ran) {
      assert.match(stderr, /Expected .*fsq\.json to say \{"format":1\}.*\(FSQ_SPOOL_FORMAT\)/);
      assert.equal(code, 75);
    }
  });

  test('that has lost a directory is exit 75, with what to do', async (t) => {
    const project = tempProject(t, { 'spool/fsq.json': '{"format":1}' });

    const { code, stderr } = await fsq(project, ['status']);

    assert.match(stderr, /^fsq status: .*ENOENT.*`fsq init` makes a new one\. \(FSQ_SPOOL_GONE\)\n$/);
    assert.equal(code, 75);
  });

  test('is named by --spool, else FSQ_SPOOL, else fsq.config, relative to who says it', async (t) => {
    const project = tempProject(t, { 'fsq.config.json': '{"spool":"configured"}' });
    const spoolOf = async (args: readonly string[], env: Record<string, string>): Promise<unknown> => {
      await fsq(project, ['init', ...args], { env });
      const { stdout } = await fsq(project, ['status', '--json', ...args], { env });
      return (JSON.parse(stdout) as { spool: string }).spool;
    };

    assert.deepEqual(
      [
        await spoolOf([], {}),
        await spoolOf([], { FSQ_SPOOL: 'env' }),
        await spoolOf(['--spool', 'flag'], { FSQ_SPOOL: 'env' }),
      ],
      ['configured', 'env', 'flag'].map((name) => join(project.path, name)),
    );
  });
});

test('a wrong setting is exit 78 and names where it was said', async (t) => {
  const project = tempProject(t, { 'fsq.config.json': '{"spol":"x"}' });

  const { code, stderr } = await fsq(project, ['status']);

  assert.match(stderr, /Unknown setting "spol" in .*fsq\.config\.json; did you mean spool\? \(FSQ_CONFIG\)/);
  assert.equal(code, 78);
});

test('FSQ_DEBUG=1 adds where it was thrown', async (t) => {
  const project = tempProject(t, {});

  const { stderr } = await fsq(project, ['status'], { env: { FSQ_DEBUG: '1' } });

  assert.match(stderr, /\(FSQ_NO_SPOOL\)\n(.|\n)* at (.|\n)*establish/);
});

test('much output', async (t) => {
  const jobs = 1_500;
  const project = tempProject(t, {});
  await pendingJobs(project.spool, ...Array.from({ length: jobs }, () => ({})));

  await t.test('arrives whole through a pipe', async () => {
    const { stdout, code } = await fsq(project, ['ls', '--json', '--limit', '0']);

    assert.equal((JSON.parse(stdout) as unknown[]).length, jobs);
    assert.ok(stdout.length > 300_000);
    assert.equal(code, 0);
  });

  await t.test('into a pipe whose reader went away, as `| head -1`, ends without a word', async () => {
    const child = spawn(process.execPath, [BIN, 'ls', '--limit', '0'], {
      cwd: project.path,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.stdout.once('data', () => child.stdout.destroy());

    const code = await new Promise((resolve) => child.on('close', resolve));

    assert.deepEqual([code, stderr], [0, '']);
  });

  await t.test(
    'that cannot be written is an error',
    { skip: !existsSync('/dev/full') && 'no /dev/full here' },
    async () => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [BIN, 'ls'], { cwd: project.path, stdio: ['ignore', full, 'pipe'] });
      closeSync(full);
      let stderr = '';
      child.stderr?.on('data', (chunk) => (stderr += String(chunk)));

      const code = await new Promise((resolve) => child.on('close', resolve));

      assert.match(stderr, /^fsq ls: The output could not be written: ENOSPC/m);
      assert.equal(code, 74);
    },
  );
});

test('a config file that throws is exit 78 with its message', async (t) => {
  const project = tempProject(t, {});
  mkdirSync(project.spool);
  writeFileSync(join(project.path, 'fsq.config.mjs'), `throw new Error('no secrets here');\n`);

  const { code, stderr } = await fsq(project, ['status']);

  assert.match(stderr, /fsq\.config\.mjs cannot be loaded: no secrets here \(FSQ_CONFIG\)/);
  assert.equal(code, 78);
});
