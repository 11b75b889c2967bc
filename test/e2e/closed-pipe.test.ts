/** Commands whose stdout is closed, from the start or while they write: each ends, and says nothing of that. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/main.ts';
import { within } from '../support/conditions.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { fsq, type Project, REPOSITORY, run, tempProject } from '../support/project.ts';

const TASKS = {
  'tasks.mjs': `
import { task } from 'fsq';
task('ok', (n) => { console.log('x'.repeat(100)); return n; });
task('bad', () => { throw new Error('no'); });
`,
};
const FSQ = join(REPOSITORY, 'bin/fsq.js');
/** What nobody should hear of a reader that is gone. */
const NOISE = /EPIPE|FSQ_BUG|could not be written|^ +at /m;

/** How each command is called here; one that is not named prints its help. */
function lineOf(name: string, id: string): readonly string[] {
  const lines: Readonly<Record<string, readonly string[]>> = {
    init: [],
    worker: ['--burst', '-c', '1', '-l', 'silent'],
    drain: ['-c', '1', '--quiet'],
    call: ['ok', '1'],
    map: ['ok', '--timeout', '2s'],
    exec: ['--', 'true'],
    get: [id],
    wait: [id],
    revoke: [id],
    retry: [id],
    forget: [id, '--dry-run'],
    pause: ['q'],
    resume: ['q'],
    gc: [],
    purge: ['--yes', '--queue', 'none'],
    status: [],
    ls: [],
    events: [],
    logs: [id],
    show: [id],
    check: [],
    doctor: [],
    tasks: [],
  };
  return [name, ...(lines[name] ?? ['--help'])];
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs it with a pipe as stdout whose reader is gone before it starts to write. */
async function withoutReader(project: Project, line: readonly string[], input: string): Promise<Ended> {
  const child = spawn(process.execPath, [FSQ, ...line], { cwd: project.path, stdio: 'pipe' });
  child.stdout.destroy();
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await within(once(child, 'close'), `the end of fsq ${line.join(' ')}`)) as [number | null];
  return { code, stderr };
}

test('nobody reads from the start: every command ends, quietly', async (t) => {
  const project = tempProject(t, TASKS);
  const [id = ''] = await pendingJobs(project.spool, { task: 'ok' }, { task: 'bad' });
  await fsq(project, ['drain', '-c', '1', '--quiet']);
  const left = Object.keys(COMMANDS).values();
  const loud: string[] = [];

  const work = async (): Promise<void> => {
    for (const name of left) {
      const line = lineOf(name, id);
      const { code, stderr } = await withoutReader(project, line, '1\n2\n');
      if (code === null || NOISE.test(stderr)) loud.push(`fsq ${line.join(' ')}: ${code} ${stderr}`);
    }
  };
  await Promise.all([work(), work(), work()]);

  assert.deepEqual(loud, []);
});

test('the reader goes away in the middle: long outputs end, quietly and soon', async (t) => {
  const project = tempProject(t, TASKS);
  await pendingJobs(project.spool, ...Array.from({ length: 1_000 }, () => ({ task: 'ok' })));
  const lines = [
    'ls -n 0',
    'ls -n 0 --json',
    'ls --ids',
    'events',
    'map ok -c 1 --timeout 10s < in.jsonl',
    'map nothing-knows-it --window 500 --ordered < bad.jsonl',
    'call ok --stdin < in.jsonl',
  ];
  await run(project, 'sh', ['-c', 'seq 3000 > in.jsonl; yes "[" | head -3000 > bad.jsonl']);

  for (const line of lines) {
    const script = `"$1" "$2" ${line} 2> err.txt | head -n 1 > /dev/null; cat err.txt`;
    const { stdout, code } = await run(project, 'bash', ['-c', script, 'x', process.execPath, FSQ]);

    assert.equal(code, 0, line);
    assert.doesNotMatch(stdout, NOISE, line);
  }
});

test('the reader goes away while events are followed: the next event ends it, quietly', async (t) => {
  const project = tempProject(t, TASKS);
  const script = `
    "$1" "$2" init > /dev/null
    { "$1" "$2" events -f 2> err.txt; echo > over; } | head -n 1 > /dev/null &
    while [ ! -e over ]; do "$1" "$2" call ok 1 > /dev/null; done; cat err.txt`;

  const { stdout, code } = await run(project, 'bash', ['-c', script, 'x', process.execPath, FSQ]);

  assert.equal(code, 0);
  assert.match(stdout, /^fsq events: Follows .*\n$/);
});
