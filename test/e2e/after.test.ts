/** `--after`, by real command lines and a real worker. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { threw } from '../support/factory.ts';
import { fsq, tempProject } from '../support/project.ts';

const TASKS = `import { task } from 'fsq';\ntask('echo', (value) => value);\n`;
const NOBODY = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

test('twenty jobs in a row are sent from a shell, seen to wait, and run by one burst', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  const [first = ''] = await pendingJobs(project.spool, { task: 'echo', args: [0] });
  const ids = [first];
  for (let i = 1; i < 20; i++) {
    const { stdout } = await fsq(project, ['call', 'echo', String(i), '--after', ids.at(-1) ?? '', '--priority', '0']);
    ids.push(stdout.trim());
  }

  const worked = await fsq(project, ['worker', '--burst', '-c', '2', '-l', 'silent']);

  assert.equal(worked.code, 0);
  assert.equal((await fsq(project, ['get', ids.at(-1) ?? '', '--timeout', '0s'])).stdout, '19\n');
});

test('what a job waits for is shown, and an unknown one is refused', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  const [first = ''] = await pendingJobs(project.spool, { task: 'echo', etaMs: Date.now() + 3_600_000 });
  const sent = (await fsq(project, ['call', 'echo', '1', '--after', first.slice(0, 30)])).stdout.trim();
  await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);

  const listed = await fsq(project, ['ls', '--state', 'delayed']);
  const shown = await fsq(project, ['show', sent]);
  const json = JSON.parse((await fsq(project, ['show', sent, '--json'])).stdout) as Record<string, unknown>;
  const unknown = await fsq(project, ['call', 'echo', '1', '--after', NOBODY]);

  assert.match(listed.stdout, new RegExp(`${sent} .*delayed .*waits for ${first}`));
  assert.match(shown.stdout, new RegExp(`after +${first}`));
  assert.deepEqual([json['state'], json['dueAtMs']], ['delayed', null]);
  assert.deepEqual([unknown.code, unknown.stdout], [3, '']);
});

test('a row whose first failed is mended by sending it back and then the others', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  const first = await settledJob(project.spool, { task: 'echo', args: [1] }, threw('no'));
  const second = (await fsq(project, ['call', 'echo', '2', '--after', first])).stdout.trim();
  await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);
  const failed = await fsq(project, ['get', second]);

  await fsq(project, ['retry', first]);
  await fsq(project, ['retry', second]);
  await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);

  assert.deepEqual([failed.code, /PredecessorError/.test(failed.stderr)], [1, true]);
  assert.equal((await fsq(project, ['get', second, '--timeout', '0s'])).stdout, '2\n');
});
