/** The lines of examples/crontab, run as cron runs them: by sh, with hardly an environment, and without a terminal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { type Project, REPOSITORY, tempProject } from '../support/project.ts';

const EXAMPLE = join(REPOSITORY, 'examples/crontab');
const CRONTAB = readFileSync(join(EXAMPLE, 'crontab'), 'utf8');
const MANY = 24;

describe('the crontab', () => {
  test('sends jobs at night, waits for them, and has nothing to mail', async (t) => {
    const project = example(t);

    const { code, printed } = await run(project, '17 3 * * *');

    assert.deepEqual([code, printed], [0, '']);
    assert.deepEqual(statements(project).toSorted(), ['Ada', 'Bob', 'Eve']);
  });

  test('may run a line twice at a time: each job runs once', async (t) => {
    const project = example(t);
    const names = Array.from({ length: MANY }, (_, i) => `customer ${i}`);
    await pendingJobs(project.spool, ...names.map((name) => ({ task: 'statement', args: [name] })));

    const both = await Promise.all([run(project, '*/5 * * * *'), run(project, '*/5 * * * *')]);

    assert.deepEqual(both, [
      { code: 0, printed: '' },
      { code: 0, printed: '' },
    ]);
    assert.deepEqual(statements(project).toSorted(), names.toSorted());
  });

  test('mails of a job that failed: which it is, and why', async (t) => {
    const project = example(t);
    const [id = ''] = await pendingJobs(project.spool, { task: 'statement', args: [''] });

    const { code, printed } = await run(project, '*/5 * * * *');
    const probe = await run(project, '*/10 * * * *');

    assert.equal(code, 1);
    assert.match(printed, /^1 job: 1 failed/m);
    assert.match(printed, new RegExp(`^failed statement ${id} .*Error: a statement is for a customer$`, 'm'));
    assert.match(probe.printed, /^FSQ CRITICAL - 1 job failed within 10 m \|/);
  });

  test('says nothing while jobs run in time, and one line when a job waits too long', async (t) => {
    const project = example(t);
    const broker = openSpool({ path: project.spool });
    const well = await run(project, '*/10 * * * *');
    const hourAgo = Date.now() - 3_600_000;
    const time = hourAgo.toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000001`;
    const job = { id, task: 'statement', args: ['Ada'], headers: {}, enqueuedAtMs: hourAgo, options: {} };
    await broker.enqueue([{ job, queue: 'default', priority: 5 }]);
    await broker.close();

    const late = await run(project, '*/10 * * * *');

    assert.deepEqual([well.code, well.printed], [0, '']);
    assert.match(late.printed, /^FSQ CRITICAL - the oldest ready job waits 1 h \(at most 15 m\)[^\n]*\n$/);
  });

  test('has no percent sign, which cron takes for the end of a line', () => {
    const lines = CRONTAB.split('\n').filter((line) => /^[\d*]/.test(line));

    assert.equal(lines.length, 3);
    assert.deepEqual(
      lines.filter((line) => line.includes('%')),
      [],
    );
  });
});

function example(t: TestContext): Project {
  const project = tempProject(t, {});
  cpSync(EXAMPLE, project.path, { recursive: true });
  mkdirSync(join(project.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(project.path, 'node_modules/.bin/fsq'));
  return project;
}

function statements({ path }: Project): readonly string[] {
  return readFileSync(join(path, 'statements.txt'), 'utf8').trimEnd().split('\n');
}

/** Runs the line of that time in the project. `printed`: what cron would mail. */
async function run(project: Project, time: string): Promise<{ code: number | null; printed: string }> {
  const placed = CRONTAB.replaceAll('/var/lib/shop/spool', project.spool).replaceAll('/srv/shop', project.path);
  const line = placed.split('\n').find((one) => one.startsWith(time)) ?? assert.fail(`no line for ${time}`);
  const set = [...placed.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const);
  const { PATH = '', ...env } = Object.fromEntries(set);
  const child = spawn('/bin/sh', ['-c', line.slice(time.length).trim()], {
    cwd: '/',
    env: { HOME: '/', LOGNAME: 'shop', SHELL: '/bin/sh', ...env, PATH: `${PATH}:${dirname(process.execPath)}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, printed }));
  });
}
