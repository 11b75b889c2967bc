/** `fsq map` by real command lines, killed and started again. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, type Project, REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';

const TASKS = {
  'tasks.mjs': `
import { task } from 'fsq';
import { appendFileSync, existsSync } from 'node:fs';
task('square', async (n) => {
  appendFileSync('ran.txt', n + '\\n');
  if (n === 13) throw new RangeError('unlucky');
  return n * n;
});
task('gated', async (n) => {
  appendFileSync('ran.txt', n + '\\n');
  while (n > 5 && !existsSync('open')) await new Promise((resolve) => setTimeout(resolve, 5));
  return n;
});
`,
};

interface Told {
  readonly line: number;
  readonly id: string;
  readonly state: string;
  readonly value?: unknown;
  readonly error?: { readonly message: string };
}

function told(stdout: string): readonly Told[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as Told)));
}

/** What each run of a task has written down. */
function ran(project: Project): readonly number[] {
  try {
    return readFileSync(join(project.path, 'ran.txt'), 'utf8').trim().split('\n').map(Number);
  } catch {
    return [];
  }
}

function upTo(count: number): string {
  return Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');
}

/** A map whose input stays open, in a process of its own. */
function startMap(t: TestContext, project: Project, args: readonly string[], input: string) {
  const child = spawn(process.execPath, [join(REPOSITORY, 'bin/fsq.js'), 'map', ...args], { cwd: project.path });
  t.after(() => child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, texts, ended };
}

describe('fsq map killed in the middle and started again', () => {
  test('runs each line once, and tells every line; once it was done, it begins anew', async (t) => {
    const project = tempProject(t, TASKS);
    // As many slots as there are lines: those that wait for the gate keep no other back.
    await startWorker(t, project, ['-c', '1', '--slots', '50']);
    const first = startMap(t, project, ['gated', '--window', '8'], upTo(40));
    await until(() => told(first.texts.stdout).length === 5, 'five lines are told, and others run');

    first.child.kill('SIGKILL');
    await first.ended;
    await run(project, 'touch', ['open']);
    const second = await fsq(project, ['map', 'gated'], { input: upTo(40) });

    assert.deepEqual([second.code, told(second.stdout).length], [0, 40]);
    assert.ok(told(second.stdout).every(({ line, value }) => line === value));
    assert.deepEqual(
      ran(project).toSorted((a, b) => a - b),
      upTo(40).trim().split('\n').map(Number),
    );
    const ids = new Map(told(second.stdout).map(({ line, id }) => [line, id]));
    assert.ok(told(first.texts.stdout).every(({ line, id }) => ids.get(line) === id));
    assert.match(
      second.stderr,
      /^fsq map: \d+ lines had their jobs from an earlier start: `--fresh` runs all anew\.\n$/,
    );
    const third = await fsq(project, ['map', 'gated'], { input: upTo(40) });
    assert.deepEqual([third.code, third.stderr, ran(project).length], [0, '', 80]);
  });

  test('runs each line once also when two work at the same time, and both tell every line', async (t) => {
    const project = tempProject(t, TASKS);
    // As many slots as there are lines: those that wait for the gate keep no other back.
    await startWorker(t, project, ['-c', '1', '--slots', '50']);
    const both = [1, 2].map(() => startMap(t, project, ['gated', '--ordered'], upTo(12)));
    for (const { child, texts } of both) {
      child.stdin.end();
      await until(() => told(texts.stdout).length === 5, 'both have told what can be told');
    }

    await run(project, 'touch', ['open']);

    for (const { ended, texts } of both) {
      assert.deepEqual(await ended, [0, null]);
      assert.equal(texts.stdout.match(/"state":"succeeded"/g)?.length, 12);
    }
    assert.equal(both[0]?.texts.stdout, both[1]?.texts.stdout);
    assert.equal(ran(project).length, 12);
  });
});

test('with a worker of its own it needs no other; bad lines are told, and do not keep the others back', async (t) => {
  const project = tempProject(t, TASKS);
  const input = '\u{feff}12\r\n\n[13]\r\n{"n":\n"\u{1b}]52;c;x\u{7}"\n[14]';

  const { code, stdout, stderr } = await fsq(project, ['map', 'square', '-c', '2', '--ordered'], { input });

  assert.deepEqual(
    told(stdout).map(({ line, state, value }) => [line, state, value]),
    [
      [1, 'succeeded', 144],
      [3, 'failed', undefined],
      [4, 'refused', undefined],
      [5, 'refused', undefined],
      [6, 'succeeded', 196],
    ],
  );
  assert.equal(told(stdout)[1]?.error?.message, 'unlucky');
  assert.deepEqual([code, stderr], [1, 'fsq map: Of 5 lines: 1 failed, 2 could not be sent.\n']);
  assert.ok(!stdout.includes('\u{1b}'));
  const unknown = await fsq(project, ['map', 'sqare', '-c', '1'], { input: '1\n' });
  assert.deepEqual([unknown.code, unknown.stdout, namesIn(project.spool, 'pending')], [3, '', []]);
  assert.match(unknown.stderr, /No task module here has a task sqare; did you mean square\?/);
});

describe('without a worker, fsq map', () => {
  test('sends no more than its window, says that nobody runs it, and stops after --timeout or a signal', async (t) => {
    const project = tempProject(t, TASKS);
    const first = startMap(t, project, ['square', '--window', '3'], upTo(50));
    await until(() => first.texts.stderr.includes('No worker is running'), 'it tells that nobody runs it');

    first.child.kill('SIGINT');

    assert.deepEqual(await first.ended, [130, null]);
    assert.match(
      first.texts.stderr,
      /SIGINT before the end of the lines\. 3 jobs go on\. The same command goes on from here/,
    );
    assert.equal(namesIn(project.spool, 'pending').length, 3);
    const second = await fsq(project, ['map', 'square', '--timeout', '1ms'], { input: upTo(50) });
    assert.equal(second.code, 124);
    assert.match(second.stderr, /The time was over before the end of the lines\./);
  });

  test('knows lines of the same key as one, and does an empty input at once', async (t) => {
    const project = tempProject(t, TASKS);
    const input = '{"id":1,"n":1}\n{"id":1,"n":2}\n{"n":3}\n';

    const first = startMap(t, project, ['square', '--key', 'id'], input);
    await until(() => first.texts.stderr.includes('No worker is running'), 'the lines are sent');
    await until(() => told(first.texts.stdout).length === 1, 'the line without a key is told');
    first.child.kill('SIGTERM');
    const empty = await fsq(project, ['map', 'square'], { input: '' });

    assert.deepEqual([await first.ended, namesIn(project.spool, 'pending').length], [[143, null], 1]);
    assert.deepEqual(
      told(first.texts.stdout).map(({ line, state }) => [line, state]),
      [[3, 'refused']],
    );
    assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, '', '']);
  });

  test('ends with 75 when its spool vanishes, and quietly when nobody reads', async (t) => {
    const project = tempProject(t, TASKS);
    const first = startMap(t, project, ['square', '--window', '3'], upTo(50));
    await until(() => first.texts.stderr.includes('No worker is running'), 'it has sent a window');
    rmSync(project.spool, { recursive: true });

    const [code] = await first.ended;

    assert.equal(code, 75);
    assert.match(first.texts.stderr, /FSQ_(?:SPOOL_GONE|NO_SPOOL|SPOOL)\)\n$/);
    await fsq(project, ['init']);
    const script = `printf '%s\\n' '[' '[' '[' 1 2 3 4 5 6 7 8 9 | "$@" | head -n 1`;
    const closed = await run(project, 'bash', [
      '-c',
      script,
      'x',
      process.execPath,
      join(REPOSITORY, 'bin/fsq.js'),
      'map',
      'square',
      '--timeout',
      '2s',
    ]);
    assert.equal(told(closed.stdout).length, 1);
  });
});
