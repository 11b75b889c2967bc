/** The page in a server of one's own, under a path; and the pages that may only look, or that hide what jobs hold. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { createApp } from '../../src/app/app.ts';
import { createUi } from '../../src/ui/ui.ts';
import type { JobPage } from '../../src/ui/wire.ts';
import { fsq, type Project, tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, seen, textOf } from './chromium.ts';
import { openDesk } from './shop.ts';

const SECRET = 'the-secret-of-ada';
const SCREENS = ['/', '/jobs', '/failures', '/schedules', '/workers', '/spool'] as const;
const PROJECT = {
  'tasks.js': `import { task } from 'fsq'; export const fail = task('fail', () => { throw new Error('no'); });`,
};

/** One job that waits, and one that has failed. */
async function openProject(t: TestContext): Promise<Project> {
  const project = tempProject(t, PROJECT);
  assert.equal((await fsq(project, ['call', 'fail', `"${SECRET}"`])).code, 0);
  await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'error']);
  assert.equal((await fsq(project, ['call', 'fail', `"${SECRET}"`])).code, 0);
  return project;
}

/** A server with the page under /admin/queue, behind a login of its own. */
async function mount(t: TestContext, project: Project): Promise<string> {
  const ui = createUi({
    app: createApp({ spool: project.spool }),
    basePath: '/admin/queue',
    authorize: ({ headers }) => headers['cookie']?.includes('login=ada') === true,
  });
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/admin/queue') === true) ui(request, response);
    else response.writeHead(200, { 'content-type': 'text/plain' }).end('of the program itself');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    await ui.close();
    server.close().closeAllConnections();
  });
  const address = server.address();
  assert.ok(isTcp(address));
  return `http://127.0.0.1:${address.port}/admin/queue`;
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

async function everyScreen(page: Page, base: string, job: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const place of [...SCREENS, `/jobs/${job}`]) {
    await page.goto(`${base}#${place}`);
    await seen(page);
    texts.push(await textOf(page));
  }
  return texts;
}

test('the page under a path, read-only, and with hidden arguments', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const project = await openProject(t);
  const plain = await openDesk(t, project);
  const failed = (await plain.ask<JobPage>('api/jobs?state=failed')).jobs[0]?.id ?? '';

  await t.test('under /admin/queue all of it comes from there, and acts go there', async (t) => {
    const base = await mount(t, project);
    const { page, context, complaints } = await openPage(t, browser, `${new URL(base).origin}/`);
    await context.addCookies([{ name: 'login', value: 'ada', url: base }]);
    complaints();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(base); // Without the slash at its end.
    await seen(page);
    assert.equal(page.url().replace(/#.*/, ''), `${base}/`);
    await everyScreen(page, `${base}/`, failed);
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.locator('.job-head .state.pending').waitFor();
    assert.deepEqual(asked.filter((url) => !url.startsWith(base) && !url.startsWith('data:')), []); // prettier-ignore
    assert.deepEqual(complaints(), []);
    await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'error']);
  });

  await t.test('a page that only looks has no button that acts', async (t) => {
    const desk = await openDesk(t, project, { line: ['--read-only'] });
    const { page, complaints } = await openPage(t, browser, desk.url);
    for (const place of [...SCREENS, '/jobs?state=failed', `/jobs/${failed}`]) {
      await page.goto(`${desk.base}#${place}`);
      await seen(page);
      const acts = page.getByRole('button', { name: /^(retry|revoke|kill|delete|pause|resume|run now)/i });
      assert.deepEqual((await acts.allInnerTexts()).filter((text) => !text.startsWith('revoked')), [], place); // prettier-ignore
      assert.equal(await page.getByRole('checkbox').count(), 0, place);
      await page.getByText('read-only', { exact: true }).waitFor();
    }
    assert.deepEqual(complaints(), []);
  });

  await t.test('with --hide-arguments nothing that a job was given leaves the server', async (t) => {
    const desk = await openDesk(t, project, { line: ['--hide-arguments'] });
    const { page, complaints } = await openPage(t, browser, desk.url);
    const answers: Promise<string>[] = [];
    page.on('response', (response) => {
      if (!response.url().endsWith('/events')) answers.push(response.text().catch(() => ''));
    });
    const texts = await everyScreen(page, desk.base, failed);
    assert.ok(texts.at(-1)?.includes('are hidden on this page'));
    assert.ok(![...texts, ...(await Promise.all(answers))].some((text) => text.includes(SECRET)));
    await page.goto(`${desk.base}#/jobs?text=${SECRET}`);
    await seen(page);
    assert.equal(await page.locator('tbody tr').count(), 0, 'a search tells what the arguments are');
    assert.deepEqual(complaints(), []);
  });
});
