/** How one moves on the page: from a list to a job and back, by keys and by the browser's own buttons, and what its tab shows meanwhile. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import process from 'node:process';
import type { Page } from 'playwright-core';
import { until } from '../support/conditions.ts';
import { type Project, run, tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, pressTogether, seen } from './chromium.ts';
import { openDesk } from './shop.ts';

const TASKS = `import { task } from 'fsq';
export const add = task('add', (a, b) => a + b);
export const far = task('far.away', () => 0);`;

/** 120 jobs, of which no worker runs any. */
async function openList(t: TestContext): Promise<Project> {
  const project = tempProject(t, { 'tasks.js': TASKS });
  const ran = await run(project, process.execPath, ['--input-type=module'], {
    input: `import { add, far } from './tasks.js';
      await Promise.all(Array.from({ length: 119 }, (_, i) => add.applyAsync([i, 'of order ' + i], { queue: 'q' + (i % 12) })));
      await far.delay();`,
  });
  assert.equal(ran.code, 0, ran.stderr);
  return project;
}

const scroll = (page: Page): Promise<number> => page.evaluate<number>('scrollY');
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>("document.activeElement.closest('[data-row]')?.querySelector('a').getAttribute('href') ?? ''");

test('from a list to a job and back', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const desk = await openDesk(t, await openList(t));
  const { page, complaints } = await openPage(t, browser, desk.url);
  const list = page.getByRole('heading', { name: '100 jobs' });
  t.afterEach(() => assert.deepEqual(complaints(), []));

  await t.test('the list is where it was left, by the way back and by Escape', async () => {
    await page.goto(`${desk.base}#/jobs`);
    await page.getByRole('heading', { name: '120 jobs' }).waitFor();
    for (const back of [() => page.goBack(), () => page.keyboard.press('Escape')]) {
      const link = page.locator('tbody tr').nth(80).getByRole('link').first();
      await link.scrollIntoViewIfNeeded();
      await until(async () => (await scroll(page)) > 1_000, 'the list is scrolled');
      const before = await scroll(page);
      await link.click();
      await page.locator('.job-head').waitFor();
      await until(async () => (await scroll(page)) === 0, 'a job begins at its top');
      await back();
      await until(async () => (await scroll(page)) === before, `the list is at ${before} px again`);
    }
  });

  await t.test('the list is where it was left as soon as it was there', async () => {
    await page.goto(`${desk.base}#/`);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    // All of it before a screen has settled.
    await page.evaluate(`(async () => {
      location.hash = '#/jobs';
      while (document.querySelectorAll('tbody a').length < 100) await new Promise(requestAnimationFrame);
      const link = document.querySelectorAll('tbody a')[80];
      link.scrollIntoView();
      link.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
      globalThis.leftAt = scrollY;
      link.click();
    })()`);
    await page.locator('.job-head').waitFor();
    await page.goBack();
    await until(() => page.evaluate<boolean>('scrollY > 0 && scrollY === leftAt'), 'the list is where it was left');
  });

  await t.test('Escape on a job that was opened first leads to the list, not out of the page', async () => {
    const href = (await page.locator('tbody a').first().getAttribute('href')) ?? '';
    await page.goto('about:blank');
    await page.goto(`${desk.base}${href}`);
    await page.locator('.job-head').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: '120 jobs' }).waitFor();
  });

  await t.test('Escape closes what is open, and leaves the job only when it is pressed for that', async () => {
    await page.goto(`${desk.base}#/jobs?task=far.away`);
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    await page.locator('tbody a').first().click();
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('dialog').waitFor();
    // The second as soon as the dialog is away, which is before the page hears of that; a press from here might come too late to be of the dialog.
    await page.evaluate(`new MutationObserver(() => {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
      globalThis.hasPressed = true;
    }).observe(document.querySelector('dialog'), { attributeFilter: ['open'] })`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate('globalThis.hasPressed'), true);
    assert.match(page.url(), /#\/jobs\/[^?]+$/, 'the second Escape is of the dialog');
    await until(async () => {
      await page.keyboard.press('Escape');
      return page.url().includes('#/jobs?task=far.away');
    }, 'Escape leaves the job');
  });

  await t.test('j and k count their rows on each screen anew', async () => {
    await page.goto(`${desk.base}#/jobs`);
    await seen(page);
    for (let i = 0; i < 9; i++) await page.keyboard.press('j');
    await pressTogether(page, 'go');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.locator('tbody tr[data-row]').first().waitFor();
    await page.keyboard.press('j');
    assert.equal(await focused(page), '#/jobs?queue=default');
    await page.keyboard.press('j');
    assert.equal(await focused(page), '#/jobs?queue=q0');
  });

  await t.test('Tab goes on in a screen that a click has led to', async () => {
    await page.goto(`${desk.base}#/jobs?task=far.away`);
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    await page.locator('tbody a').first().click();
    await page.locator('.job-head').waitFor();
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  });

  await t.test('what one goes on to type in a filter is not undone by what one has typed', async () => {
    await page.goto(`${desk.base}#/jobs`);
    await seen(page);
    const field = page.getByLabel('Text in arguments, or id');
    await field.pressSequentially('of order ');
    await until(() => page.url().endsWith('text=of+order'), 'the filter has taken the words');
    await list
      .or(page.getByRole('heading', { name: '119 jobs' }))
      .first()
      .waitFor();
    assert.equal(await field.inputValue(), 'of order ');
    await field.pressSequentially('117');
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    const queues = page.getByLabel('Queue');
    await queues.pressSequentially('q8, ');
    await until(() => page.url().includes('queue=q8&'), 'the filter has the queue');
    await queues.pressSequentially('q9');
    await until(() => page.url().includes('queue=q8&queue=q9'), 'the filter has both queues');
    assert.equal(await queues.inputValue(), 'q8, q9');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await until(async () => (await queues.inputValue()) === '', 'the fields are empty');
    await page.goBack();
    await until(async () => (await queues.inputValue()) === 'q8,q9', 'the fields show the filter of the address');
  });

  await t.test('what one types as soon as the filter is cleared stays', async () => {
    await page.goto(`${desk.base}#/jobs?text=nothing`);
    await page.getByRole('heading', { name: '0 jobs' }).waitFor();
    await page.evaluate(`(() => {
      const field = document.querySelector('[data-filter]');
      const clear = [...document.querySelectorAll('.filters button')].find(({ textContent }) => textContent === 'Clear');
      new MutationObserver((_, observer) => {
        if (clear.isConnected) return;
        observer.disconnect();
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, 'of order 117');
        field.dispatchEvent(new Event('input', { bubbles: true }));
      }).observe(document.querySelector('.filters'), { childList: true, subtree: true });
      clear.click();
    })()`);
    await page.getByRole('heading', { name: '1 job' }).waitFor();
    assert.equal(await page.getByLabel('Text in arguments, or id').inputValue(), 'of order 117');
  });

  await t.test('a filter that holds is seen', async () => {
    await page.goto(`${desk.base}#/jobs`);
    await seen(page);
    assert.equal(await page.getByLabel('Error').count(), 0);
    await page.evaluate("location.hash = '#/jobs?error=declined'");
    await until(async () => (await page.getByLabel('Error').inputValue()) === 'declined', 'the field is there');
  });

  await t.test('on paper there is what the screen says, and what is chosen is seen without colours', async () => {
    await page.goto(`${desk.base}#/jobs?state=pending`);
    await page.locator('tbody tr').first().waitFor();
    await page.emulateMedia({ media: 'print' });
    for (const what of ['.screens', '.filters', '.bulk', 'thead input'])
      assert.equal(await page.locator(what).first().isVisible(), false, `${what} is printed`);
    assert.ok(await page.locator('tbody tr').nth(90).isVisible());
    await page.emulateMedia({ media: null, forcedColors: 'active' });
    const outlineOf = (isPressed: boolean): Promise<string> =>
      page.evaluate(`getComputedStyle(document.querySelector('.chip[aria-pressed=${isPressed}]')).outlineStyle`);
    assert.deepEqual([await outlineOf(true), await outlineOf(false)], ['solid', 'none']);
    await page.emulateMedia({ forcedColors: null });
  });

  // Jobs wait, and no worker runs.
  await t.test('the tab tells of trouble', async () => {
    await page.goto(`${desk.base}#/jobs`);
    await until(async () => (await page.title()) === '✖ jobs · fsq', 'the title has a mark');
    const icon = (await page.locator('link[rel=icon]').getAttribute('href')) ?? '';
    assert.match(icon, /%23c22f2f/);
  });
});
