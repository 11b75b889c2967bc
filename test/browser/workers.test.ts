/** The workers in a browser: a child whose task blocks its event loop, one that waits without blocking, and children that died and were replaced. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import type { Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { run, startWorker, tempProject } from '../support/project.ts';
import { assertFits, lacksBrowser, openBrowser, openPage, seen } from './chromium.ts';
import { openDesk } from './shop.ts';

const TASKS = `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
export const render = task('pages.render', () => {
  while (!existsSync('go-on'));
});
export const mail = task('mail.wait', async () => {
  while (!existsSync('go-on')) await sleep(20);
});
export const die = task('report.die', { onCrash: 'fail' }, () => process.exit(3));
`;

test(
  'the screen of workers tells which process is blocked, and how many have died',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const project = tempProject(t, { 'tasks.js': TASKS });
    const worker = await startWorker(t, project, ['-c', '2']);
    const desk = await openDesk(t, project);
    const send = async (...tasks: readonly string[]): Promise<void> => {
      const calls = tasks.map((task) => `await tasks.${task}.delay();`).join(' ');
      const input = `import * as tasks from './tasks.js'; ${calls}`;
      const { code, stderr } = await run(project, process.execPath, ['--input-type=module'], { input });
      assert.equal(code, 0, stderr);
    };
    const summary = (): Promise<Summary> => desk.ask<Summary>('api/summary');
    await send('die', 'die');
    const supervisor = await until(async () => {
      const { workers } = await summary();
      return workers.find(({ restarts }) => restarts?.count === 2);
    }, 'both have died');
    assert.deepEqual([supervisor.pid, supervisor.restarts?.last?.text], [worker.pid, 'ended by code of a job']);
    await send('render', 'mail');
    const { page, complaints } = await openPage(t, browser, `${desk.url}`);
    await page.goto(`${desk.base}#/workers`);
    await seen(page);

    const rowOf = (text: string): ReturnType<typeof page.locator> => page.locator('tr', { hasText: text });
    await rowOf('pages.render')
      .getByText(/blocked for/)
      .waitFor();
    await rowOf('mail.wait').getByText('alive').waitFor();
    await rowOf('mail.wait').filter({ hasText: /≤ \d/ }).waitFor();
    const died = rowOf(`supervisor ${worker.pid}`).locator('[data-label=restarts]');
    assert.equal(await died.innerText(), '2');
    assert.match(String(await died.getAttribute('title')), /^the last .+: ended by code of a job$/);
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      await assertFits(page, 'the screen of workers');
      await rowOf('pages.render')
        .getByText(/blocked for/)
        .waitFor();
    }
    await page.goto(`${desk.base}#/`);
    await page.getByRole('link', { name: '1 process blocked' }).waitFor();
    await page.getByText(/has not answered for .* or longer/).waitFor();

    writeFileSync(join(project.path, 'go-on'), '');
    await page.getByRole('link', { name: '1 process blocked' }).waitFor({ state: 'detached' });
    const { workers } = await summary();
    const late = Math.max(...workers.map(({ loop }) => loop?.longestMs ?? 0));
    assert.ok(late >= 1_000, `the longest delay stays known: ${late} ms`);
    assert.deepEqual(complaints(), []);
  },
);
