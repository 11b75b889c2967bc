/** A page that stays open while things happen around it: the server is killed, the network goes away, the tab, the day. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { JobPage } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, seen, takeClock } from './chromium.ts';
import { pending, PROJECT, says, send } from './one-task.ts';
import { openDesk, TOKEN } from './shop.ts';

const OTHER_TOKEN = 'token-of-the-shop-2';

const connection = (page: Page, text: string): Promise<unknown> =>
  until(async () => (await page.locator('.connection').innerText()).includes(text), `the connection is "${text}"`);

test('what happens to the server, the network and the tab', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);

  await t.test('the server is killed and started again, with the same token, then with another', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const first = await openDesk(t, project);
    const { port } = new URL(first.base);
    const { page } = await openPage(t, browser, first.url);
    await pending(page, 1);
    await page.evaluate('globalThis.isSame = true');
    await first.end();
    await connection(page, 'no connection');
    await send(project);
    const second = await openDesk(t, project, { line: ['--port', port, '--read-only'] });
    await connection(page, 'live');
    await pending(page, 2);
    await page.locator('header .tag', { hasText: 'read-only' }).waitFor();
    assert.equal(await page.evaluate('globalThis.isSame'), true, 'the page was loaded anew');
    await page.goto(`${first.base}#/jobs?state=pending`);
    await seen(page);
    await second.end();
    await openDesk(t, project, { line: ['--port', port], token: OTHER_TOKEN });
    await says(page, 'This page wants its token');
    await says(page, 'unless FSQ_UI_TOKEN sets one to keep');
    for (const wrong of ['nonsense', TOKEN]) {
      const refused = page.waitForResponse((response) => response.url().endsWith('api/login'));
      await page.getByLabel('Token, or the whole address').fill(wrong);
      await page.keyboard.press('Enter');
      await refused; // The page says the same of each.
      await says(page, 'That token is wrong');
    }
    await page.getByLabel('Token, or the whole address').fill(`${first.base}#token=${OTHER_TOKEN}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '2 jobs' }).waitFor();
    assert.match(page.url(), /#\/jobs\?state=pending$/, 'where one was is forgotten');
  });

  await t.test('without a token, and with a wrong one, it asks; the right one opens it', async (t) => {
    const desk = await openDesk(t, tempProject(t, PROJECT));
    const { page, complaints } = await openPage(t, browser, desk.base);
    await says(page, 'This page wants its token');
    await page.goto('about:blank');
    await page.goto(`${desk.base}#token=of-somebody-else`);
    await says(page, 'That token is wrong');
    assert.ok(!page.url().includes('token'), 'a token stays in the address');
    await page.goto('about:blank');
    await page.goto(desk.url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.ok(!page.url().includes('token'), 'the token stays in the address');
    assert.deepEqual(complaints(), []);
  });

  await t.test('the browser goes offline and comes back', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url } = await openDesk(t, project);
    const { page, context } = await openPage(t, browser, url);
    await takeClock(page);
    await pending(page, 1);
    await context.setOffline(true);
    await page.clock.fastForward('02:00'); // Chromium lets a stream that is open go on: the page itself notices that it is silent.
    await connection(page, 'no connection');
    await send(project);
    await context.setOffline(false);
    await connection(page, 'live');
    await pending(page, 2);
  });

  await t.test('a hidden tab has no stream, and one that is seen again has all that is new', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await pending(page, 1);
    const hide = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'));`,
      );
    const closed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('api/events'));
    await hide(true);
    await closed;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await send(project);
    await send(project);
    assert.deepEqual(asked, []);
    await hide(false);
    await pending(page, 3);
    assert.deepEqual(complaints(), []);
  });

  await t.test('a page that was left open for a day shows what is now', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url, ask } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await takeClock(page);
    await pending(page, 1);
    for (let hour = 0; hour < 24; hour++) await page.clock.fastForward('01:00:00');
    await send(project);
    await pending(page, 2);
    await connection(page, 'live');
    await page.goto(`${page.url().replace(/#.*/, '')}#/jobs`);
    await seen(page);
    const ages = await page.locator('tbody time').allInnerTexts();
    assert.equal(ages.length, 2);
    // Only the ages: an id may end in digits and a d.
    for (const age of ages) assert.match(age, /^(?:now|in \d+ s|\d+ (?:s|min) ago)$/, 'of the clock of this machine');
    const { jobs: [job] } = await ask<JobPage>('api/jobs'); // prettier-ignore
    await page.goto(`${page.url().replace(/#.*/, '')}#/jobs/${job?.id ?? ''}`);
    await seen(page);
    // What is told of a job in words has ages in it, and grows old where nothing changes.
    const again = page.waitForRequest((request) => request.url().endsWith(job?.id ?? ''));
    await page.clock.fastForward('00:20');
    await again;
    assert.deepEqual(complaints(), []);
  });
});
