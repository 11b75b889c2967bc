/** A schedule that is sent from the page while no worker runs that would know where its jobs wait. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test, { type TestContext } from 'node:test';
import type { Answer } from '../../src/ui/wire.ts';
import { openDesk, TOKEN } from '../browser/shop.ts';
import { fsq, type Project, run, tempProject } from '../support/project.ts';

const TASKS = `import { task } from 'fsq';
task('report', { queue: 'reports', priority: 2 }, () => 1);
`;
const CONFIG = `export default {
  tasks: ['tasks.js'],
  schedules: { nightly: { task: 'report', every: '1h' }, weekly: { task: 'reprt', every: '1h' } },
};
`;

const projectWith = (t: TestContext): Project => tempProject(t, { 'tasks.js': TASKS, 'fsq.config.mjs': CONFIG });

async function runNow(base: string, schedule: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ kind: 'run-schedule', schedule });
  const response = await fetch(`${base}api/act`, { method: 'POST', headers, body });
  return (await response.json()) as Answer;
}

async function queueOf(project: Project, id = ''): Promise<string> {
  const { stdout } = await fsq(project, ['show', id, '--json']);
  return /"queue": ?"([^"]*)"/.exec(stdout)?.[1] ?? stdout;
}

test('fsq ui loads the task modules for it, and says so where these do not know the task, or do not load', async (t) => {
  const project = projectWith(t);
  await fsq(project, ['call', 'report']);
  const { base } = await openDesk(t, project);

  const sent = await runNow(base, 'nightly');
  const misspelt = await runNow(base, 'weekly');
  writeFileSync(join(project.path, 'tasks.js'), 'import "no-such-package";');
  const broken = await runNow(base, 'nightly');

  assert.equal(sent.isGood, true, sent.text);
  assert.match(sent.text, /^A job of schedule nightly was sent: .* No worker is running on /);
  assert.equal(await queueOf(project, sent.id), 'reports');
  assert.deepEqual([misspelt.code, misspelt.isGood], ['FSQ_CONFIG', false]);
  assert.match(misspelt.text, /got "reprt"; did you mean report\?/);
  assert.match(broken.text, /no-such-package/);
});

/** A server that mounts the page, sends a schedule by it, and prints the answers. */
const SERVER = `import { createServer } from 'node:http';
import { createUi } from 'fsq/ui';
import './tasks.js';
const ui = createUi({ token: '${TOKEN}' });
const server = createServer(ui).listen(0, '127.0.0.1', async () => {
  const answers = [];
  for (const schedule of ['nightly', 'weekly']) {
    const response = await fetch('http://127.0.0.1:' + server.address().port + '/api/act', {
      method: 'POST',
      headers: { authorization: 'Bearer ${TOKEN}', 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'run-schedule', schedule }),
    });
    answers.push(await response.json());
  }
  console.log(JSON.stringify(answers));
  await ui.close();
  server.close();
  server.closeAllConnections();
});
`;

test('a page in a server knows the tasks that its program has registered, and names the command for others', async (t) => {
  const project = projectWith(t);
  await fsq(project, ['call', 'report']);

  const { stdout, stderr } = await run(project, process.execPath, ['--input-type=module'], { input: SERVER });
  const [sent, misspelt] = JSON.parse(stdout || JSON.stringify([stderr])) as readonly Answer[];

  assert.equal(sent?.isGood, true, sent?.text);
  assert.equal(await queueOf(project, sent?.id), 'reports');
  assert.equal(misspelt?.isGood, false);
  assert.match(misspelt.text, /nor the program of this page knows task reprt.*`fsq schedule run weekly --spool [^`]+`/);
});
