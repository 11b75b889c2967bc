import assert from 'node:assert/strict';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createApp } from '../../src/index.ts';
import { until } from '../support/conditions.ts';
import { runPage } from '../support/document.ts';
import { REPOSITORY, startWorker, tempProject } from '../support/project.ts';

const ROWS = 5_000;
const row = (id: number): string => `${JSON.stringify({ id, name: `row ${id} é` })}\n`;

function copyExample(to: string): void {
  const leftOut = /\/(?:spool|rows\.txt|target\.txt)$/;
  cpSync(join(REPOSITORY, 'examples/import'), to, { recursive: true, filter: (path) => !leftOut.test(path) });
}

test(
  'an import whose process is killed at 80 % goes on at 80 %, and each row is there once',
  { timeout: 90_000 },
  async (t) => {
    const project = tempProject(t, {});
    copyExample(project.path);
    const [source, target] = [join(project.path, 'rows.txt'), join(project.path, 'target.txt')];
    writeFileSync(source, Array.from({ length: ROWS }, (_, id) => row(id)).join(''));
    const app = createApp({ spool: project.spool });
    t.after(() => app.close());
    const send = app.task('import', (_source: string, _target: string, _pauseMs: number): object => ({}));
    const worker = await startWorker(t, project, ['-c', '1']);

    const job = await send.delay(source, target, 100);
    let killedAt = 0;
    await until(async () => {
      const info = await job.info();
      const { value = 0, detail } = info?.progress ?? {};
      const owner = info?.owner ?? null;
      if (value < 0.8 || owner === null) return false;
      process.kill(Number.parseInt(owner, 10), 'SIGKILL');
      killedAt = (detail as { rows: number }).rows;
      return true;
    }, 'the import is at 80 %');
    const { rows, beganAt, attempts } = (await job.get('60s')) as Record<string, number>;
    const info = await job.info();
    await worker.stop();

    assert.deepEqual([rows, attempts], [ROWS, 2]);
    assert.ok(killedAt >= 0.8 * ROWS, `killed at row ${killedAt}`);
    assert.ok((beganAt ?? 0) >= killedAt, `it began at row ${beganAt}, and was at ${killedAt} when it was killed`);
    assert.deepEqual([info?.progress?.value, info?.standing.crashes], [1, 1]);
    const expected = Array.from({ length: ROWS }, (_, id) => `${id}\trow ${id} é\n`).join('');
    assert.equal(readFileSync(target, 'utf8'), expected);
  },
);

test('the README of the import can be followed', { timeout: 60_000 }, async (t) => {
  const { commands } = await runPage(t, 'examples/import/README.md', {
    folder: 'examples/import',
    prepare: ({ path }) => {
      copyExample(join(path, 'examples/import'));
      symlinkSync(join(REPOSITORY, 'bin'), join(path, 'bin'));
    },
  });

  assert.equal(commands, 1);
});
