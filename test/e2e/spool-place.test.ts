/** Where the spool lies when nobody says it, and who is told: a producer and a worker must not use two in silence. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fsq, type Project, REPOSITORY, run, runScript, startWorker, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';

const TASKS = `import { task } from 'fsq';\nexport const add = task('add', (a, b) => a + b);\n`;
const SEND = `import { add } from './tasks.mjs';\nawait add.delay(1, 2);\nawait add.delay(3, 4);\n`;

describe('a spool that is made by sending is told once, on stderr', () => {
  test('by fsq call, which prints the id as ever; not by the next call', async (t) => {
    const project = tempProject(t, {});

    const first = await fsq(project, ['call', 'add', '1']);
    const second = await fsq(project, ['call', 'add', '1']);

    assert.match(
      first.stderr,
      /^fsq call: Made a new spool: \/.*\/spool, beside the nearest package\.json\. .*FSQ_SPOOL/,
    );
    assert.match(first.stdout, /^[0-9a-f-]{36}\n$/);
    assert.deepEqual([first.code, second.stderr], [0, '']);
  });

  test('where only the current folder says where, as from cron in a home folder', async (t) => {
    const home = { path: tempDir(t), spool: '' };

    const { stderr } = await fsq(home, ['call', 'add', '--spool', './jobs']);

    assert.match(stderr, /Made a new spool: \/tmp\/.*\/jobs, in the current folder, because no package\.json/);
  });

  test('where a setting names it, by the command line only', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': TASKS, 'send.mjs': SEND });
    const env = { FSQ_SPOOL: join(project.path, 'named') };

    const program = await runScript(project, 'send.mjs', { env });
    const call = await fsq(project, ['call', 'add', '--spool', join(project.path, 'other')]);

    assert.deepEqual([program.code, program.stderr], [0, '']);
    assert.match(call.stderr, /^fsq call: Made a new spool: \/.*\/other\.\n$/);
  });

  test('by a program, as a warning with a code', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': TASKS, 'send.mjs': SEND });

    const { code, stderr } = await runScript(project, 'send.mjs');
    const again = await runScript(project, 'send.mjs');

    assert.equal(stderr.match(/\[FSQ_NEW_SPOOL\] FsqWarning: Made a new spool: /g)?.length, 1, stderr);
    assert.deepEqual([code, again.stderr], [0, '']);
  });
});

describe('a worker', () => {
  test('says which of its tasks send their jobs to another spool', async (t) => {
    const project = tempProject(t, {
      'tasks.mjs': `import { createApp } from 'fsq';\nconst app = createApp({ spool: './elsewhere' });\napp.task('lost', () => 1);\ncreateApp({ spool: './spool' }).task('here', () => 2);\n`,
    });

    const worker = await startWorker(t, project, ['-c', '1']);
    await worker.stop();

    const notices = worker
      .stderr()
      .split('\n')
      .filter((line) => line.includes('createApp()'));
    assert.equal(notices.length, 1, worker.stderr());
    assert.match(
      notices[0] ?? '',
      /"level":40.*lost: createApp\(\) sends these jobs to \/.*\/elsewhere, .*fsq worker --spool/,
    );
  });

  test('works on what its own tasks send, also where an option named its spool', async (t) => {
    const project = tempProject(t, {
      'tasks.mjs': `import { task } from 'fsq';\nconst inner = task('inner', () => 'done');\ntask('outer', async () => (await inner.delay()).id);\n`,
    });
    const there = ['--spool', join(project.path, 'there')];
    const { stdout } = await fsq(project, ['call', 'outer', ...there]);

    await fsq(project, ['worker', '--burst', '-c', '1', ...there]);

    const { stdout: id } = await fsq(project, ['get', stdout.trim(), ...there]);
    const inner = await fsq(project, ['get', JSON.parse(id) as string, ...there, '--timeout', '0s']);
    assert.deepEqual([inner.stdout, existsSync(project.spool)], ['"done"\n', false]);
  });

  test('uses a place that others could change where --allow-unsafe says so, and so do its tasks when they send', async (t) => {
    const project = tempProject(t, {
      'tasks.mjs': `import { task } from 'fsq';\nconst inner = task('inner', () => 'done');\ntask('outer', async () => (await inner.delay()).id);\n`,
    });
    const { stdout } = await fsq(project, ['call', 'outer']);
    chmodSync(project.spool, 0o777);

    const refused = await fsq(project, ['worker', '--burst', '-c', '1']);
    const allowed = await fsq(project, ['worker', '--burst', '-c', '1', '--allow-unsafe']);

    assert.deepEqual([refused.code, allowed.code], [75, 0], refused.stderr + allowed.stderr);
    assert.match(refused.stderr, /FSQ_SPOOL_UNSAFE/);
    const { stdout: id } = await fsq(project, ['get', stdout.trim(), '--timeout', '0s']);
    assert.equal((await fsq(project, ['get', JSON.parse(id) as string, '--timeout', '0s'])).stdout, '"done"\n');
  });
});

describe('in a current folder that was removed', () => {
  const inGone = (project: Project, script: string): ReturnType<typeof run> => {
    const gone = join(project.path, 'gone');
    const text = `mkdir ${gone} && cd ${gone} && rmdir ${gone} && ${script}`;
    return run(project, 'sh', ['-c', text], { env: { FSQ: `${process.execPath} ${join(REPOSITORY, 'bin/fsq.js')}` } });
  };

  test('an absolute spool works: call, worker, get and status', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': TASKS });
    const there = `--spool ${project.path}/there`;

    const { code, stdout, stderr } = await inGone(
      project,
      `id=$($FSQ call add 1 2 ${there}) && $FSQ worker --burst -c 1 -l error --tasks ${project.path}/tasks.mjs ${there} && $FSQ get $id ${there} && $FSQ status ${there}`,
    );

    assert.equal(code, 0, stderr);
    assert.match(stdout, /^3\nOK\nspool +\/.*\/there\n/);
  });

  test('any other is refused, and nothing is made', async (t) => {
    const project = tempProject(t, {});

    const { code, stderr } = await inGone(project, '$FSQ call add 1 --spool jobs');

    assert.deepEqual([code, readdirSync(project.path)], [78, ['node_modules', 'package.json']]);
    assert.match(stderr, /The current folder has been removed, and the spool "jobs" would lie in it/);
  });
});
