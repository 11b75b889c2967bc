/** A server that answers, but not with what the page wants: the spool is away, something on the way answers for it, it is of another version. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import type { Session, Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, takeClock } from './chromium.ts';
import { pending, PROJECT, says, send } from './one-task.ts';
import { openDesk } from './shop.ts';

/** The clock of the page goes quickly until then. */
const connectionInTime = (page: Page, text: string): Promise<unknown> =>
  until(async () => {
    await page.clock.fastForward(6_000);
    return (await page.locator('.connection').innerText()).includes(text);
  }, `the connection is "${text}" in time`);

test('what the page does where it is not told what it asks for', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);

  await t.test('a spool that is not there yet is told, without figures that nobody has counted', async (t) => {
    const project = tempProject(t, PROJECT);
    const { url, base } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await says(page, 'There is no spool at');
    await says(page, 'There is nothing to show yet');
    assert.equal(await page.locator('.counts').count(), 0);
    await page.goto(`${base}#/jobs`);
    await page.locator('.note.critical').waitFor();
    await send(project);
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    assert.deepEqual(complaints(), []);
  });

  await t.test('the spool is taken away and comes back', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await pending(page, 1);
    renameSync(project.spool, `${project.spool}.away`);
    await page.locator('.verdict.trouble').waitFor();
    await says(page, 'What is shown below is of');
    renameSync(`${project.spool}.away`, project.spool);
    await page.locator('.verdict.trouble').waitFor({ state: 'detached' });
    await send(project);
    await pending(page, 2);
    renameSync(project.spool, `${project.spool}.old`);
    await page.locator('.verdict.trouble').waitFor();
    await send(project); // A new one, in the place of the old.
    await pending(page, 1);
    assert.deepEqual(complaints(), []);
  });

  await t.test('an answer that does not come is asked for again', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url, base } = await openDesk(t, project);
    const { page } = await openPage(t, browser, url);
    await pending(page, 1);
    await takeClock(page);
    let asked = 0;
    await page.route('**/api/jobs?*', (route) => {
      asked++;
      return route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' });
    });
    await page.goto(`${base}#/jobs`);
    for (const times of [1, 2, 3, 4]) {
      await until(() => asked >= times, `the page has asked ${times} times`);
      await page.clock.fastForward(6_000);
    }
    await page.unroute('**/api/jobs?*');
    await page.getByRole('heading', { name: '1 job' }).waitFor();
  });

  await t.test('an answer of another version is no blank page, and the other screens go on', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url, base, ask } = await openDesk(t, project);
    const { page } = await openPage(t, browser, url);
    await pending(page, 1);
    const told = JSON.stringify(await ask<Summary>('api/summary'));
    // A server that begins may have news of jobs before it has its first summary.
    const events = `event: jobs\ndata: {}\n\nevent: summary\ndata: ${told}\n\n`;
    await page.route('**/api/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: events }));
    const session = await ask<Session>('api/session');
    let asked = 0;
    await page.route('**/api/session', (route) => route.fulfill({ json: asked++ === 0 ? session : { ...session, version: '9.9.9' } })); // prettier-ignore
    await page.reload();
    await says(page, 'The server is now fsq 9.9.9');
    await page.unroute('**/api/session');
    await page.unroute('**/api/events');
    await page.reload();
    await page.route('**/api/jobs?*', (route) => route.fulfill({ json: { rows: [] } }));
    await page.goto(`${base}#/jobs`);
    await says(page, 'This page cannot show what the server has answered');
    await page.getByRole('link', { name: 'Overview' }).click();
    await pending(page, 1);
    const summary = 'event: summary\ndata: {"atMs":1,"trouble":null}\n\n';
    await page.route('**/api/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: summary }));
    await page.reload();
    await says(page, 'This page cannot show what the server has answered');
  });

  await t.test('a server that takes questions and answers none is told, and holds nothing up for ever', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url, base } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await pending(page, 1);
    await takeClock(page);
    let unanswered = 0;
    await page.route('**/api/**', () => void unanswered++);
    await page.goto(`${base}#/jobs`);
    await until(() => unanswered > 0, 'jobs are asked for');
    await connectionInTime(page, 'no connection');
    await page.unroute('**/api/**');
    await connectionInTime(page, 'live');
    await page.clock.fastForward('01:00');
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    assert.deepEqual(complaints(), []);
  });

  await t.test('of several looks that find the page locked, the last one says how it goes on', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url, base } = await openDesk(t, project);
    const { page } = await openPage(t, browser, url);
    await pending(page, 1);
    const asked: Route[] = [];
    await page.route('**/api/session', (route) => void asked.push(route));
    await page.route('**/api/jobs?*', (route) => route.fulfill({ status: 401, json: { text: 'no' } }));
    await page.goto(`${base}#/jobs`);
    await until(() => asked.length === 1, 'the page asks whether it is locked');
    await send(project); // So it looks again, and is refused again.
    const [first, second] = await until(() => asked.length === 2 && asked, 'it asks once more');
    await page.unroute('**/api/jobs?*');
    await second?.continue();
    await page.getByRole('heading', { name: '2 jobs' }).waitFor();
    const failed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('api/session'));
    await first?.abort();
    await failed;
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 100))');
    assert.equal(await page.getByRole('heading', { name: '2 jobs' }).count(), 1, 'an old answer has drawn the page');
  });

  await t.test('another program that answers in the place of fsq is no fsq, and what comes back is', async (t) => {
    const project = tempProject(t, PROJECT);
    await send(project);
    const { url } = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, url);
    await pending(page, 1);
    await takeClock(page);
    let answers = 0;
    const others = ['null', '{"ok":true}', '[]', '"x"', '{bad'];
    await page.route('**/api/summary', (route) => route.fulfill({ contentType: 'application/json', body: others[answers++ % others.length] ?? '' })); // prettier-ignore
    await page.route('**/api/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: 'event: summary\ndata: {bad\n\nevent: summary\ndata: null\n\n' })); // prettier-ignore
    await connectionInTime(page, 'no connection');
    await until(async () => {
      await page.clock.fastForward(6_000);
      return answers > others.length;
    }, 'each of these was an answer');
    await page.unroute('**/api/summary');
    await page.unroute('**/api/events');
    await connectionInTime(page, 'live');
    assert.deepEqual(complaints(), []);
  });
});
