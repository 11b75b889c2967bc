/** Compositions by real programs and real workers: what was sent goes on without the program, and a worker that dies breaks nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createApp, GroupResult } from '../../src/index.ts';
import { until } from '../support/conditions.ts';
import { type Project, runScript, startWorker, tempProject } from '../support/project.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
const note = (text) => appendFileSync(new URL('./seen.txt', import.meta.url), text + '\\n');
export const add = task('add', (a, b) => a + b);
export const double = task('double', (n) => 2 * n);
export const total = task('total', (numbers) => { note('total'); return numbers.reduce((a, b) => a + b, 0); });
export const report = task('report', (failed, to) => note(to + ': ' + failed.task + ' ' + failed.state + ' ' + failed.code));
export const deadly = task('deadly', (n) => { if (currentJob().attempt === 1) process.kill(process.pid, 'SIGKILL'); return n; });
export const fatal = task('fatal', { onCrash: 'fail' }, () => process.kill(process.pid, 'SIGKILL'));
`;

/** Sends all, prints the ids, and dies at once. */
const MAIN = `
import { chain, chord, group } from 'fsq';
import { add, deadly, double, fatal, report, total } from './tasks.mjs';
const row = await chain(add.s(1, 2), deadly.s(), group([double.s(), deadly.s(), add.s(1)]), total.s()).delay();
const wide = await chord(double.map(Array.from({ length: 200 }, (_, i) => i)), total.s()).delay();
const batch = await double.delayMany([[1], [2], [3]]);
const after = await batch.done(chain(total.s(), double.s()));
const bad = await chain(add.s(1, 2), fatal.s(), double.s()).delay({ onError: report.s('ops') });
process.stdout.write(JSON.stringify({ ids: [row, wide, after, bad].map(({ id }) => id), batch: batch.jobs.map(({ id }) => id) }));
process.kill(process.pid, 'SIGKILL');
`;

interface Sent {
  readonly ids: readonly string[];
  readonly batch: readonly string[];
}

test(
  'what a program sent before it died comes to its end, through deaths of children, each callback once',
  { timeout: 120_000 },
  async (t) => {
    const project = tempProject(t, { 'tasks.mjs': TASKS, 'main.mjs': MAIN });
    const ran = await runScript(project, 'main.mjs');
    const { ids, batch } = JSON.parse(ran.stdout) as Sent;
    const app = createApp({ spool: project.spool });
    t.after(() => app.close());
    const [row, wide, after, bad] = ids.map((id) => app.result(id));

    const worker = await startWorker(t, project, ['-c', '2']);

    assert.equal(ran.signal, 'SIGKILL');
    assert.equal(await row?.get('60s'), 6 + 3 + 4);
    assert.equal(await wide?.get('60s'), 200 * 199);
    assert.equal(await after?.get('60s'), 24);
    const restored = new GroupResult(batch.map((id) => app.result(id)));
    assert.deepEqual(
      [await restored.get('60s'), await restored.progress()],
      [[2, 4, 6], { total: 3, done: 3, succeeded: 3, failed: 0 }],
    );
    await assert.rejects(
      async () => bad?.get('60s'),
      (error) => Object(Object(error).cause).code === 'FSQ_WORKER_LOST',
    );
    await until(() => seenIn(project).length >= 4, 'the failure is reported');
    assert.deepEqual(seenIn(project).toSorted(), ['ops: fatal failed FSQ_WORKER_LOST', 'total', 'total', 'total']);
    await worker.stop();
  },
);

function seenIn({ path }: Project): readonly string[] {
  return readFileSync(join(path, 'seen.txt'), 'utf8').trimEnd().split('\n');
}
