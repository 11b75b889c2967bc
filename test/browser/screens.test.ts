/** The screens in a browser, while a worker runs jobs: what one sees, how one moves, and what stays where it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { JobPage } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { assertFits, lacksBrowser, openBrowser, openPage, pressTogether, seen, textOf } from './chromium.ts';
import { type Desk, openDesk, openShop, type Shop } from './shop.ts';

interface Scene {
  readonly page: Page;
  readonly desk: Desk;
  readonly shop: Shop;
  go(place: string): Promise<void>;
}

const PARTS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = { everything, names, filters, keyboard, live, kept, theme, chart, copied, early }; // prettier-ignore

test('the screens show a spool under load', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const shop = await openShop(t);
  const desk = await openDesk(t, shop.project);
  for (const query of [
    'state=failed&task=mail.send',
    'state=running',
    'state=parked',
    'state=succeeded&task=stock.sum',
  ])
    await until(async () => (await desk.ask<JobPage>(`api/jobs?${query}`)).total !== 0, `there is a job of ${query}`);
  const { page, complaints } = await openPage(t, browser, desk.url);
  const go = async (place: string): Promise<void> => {
    await page.goto(`${desk.base}#${place}`);
    await seen(page);
  };
  for (const [name, part] of Object.entries(PARTS)) {
    await t.test(name, async () => {
      await part({ page, desk, shop, go });
      assert.deepEqual(complaints(), []);
    });
  }
});

/** Long arguments beside it must not cut the name of a task. */
async function names({ page, go }: Scene): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await go('/jobs?task=mail.send&state=failed');
  await page.locator('.jobs .what .args').first().waitFor();
  const cut = await page.evaluate<number>(
    "[...document.querySelectorAll('.jobs .what a')].filter((a) => a.scrollWidth > a.clientWidth).length",
  );
  assert.equal(cut, 0);
}

/** What each screen must say of this shop; the token is in no address any more. */
async function everything({ page, desk, go }: Scene): Promise<void> {
  await seen(page);
  assert.equal(page.url(), `${desk.base}#/`);
  const job = async (query: string): Promise<string> => {
    const { jobs } = await desk.ask<JobPage>(`api/jobs?${query}`);
    return `/jobs/${jobs[0]?.id ?? ''}`;
  };
  for (const [place, ...wanted] of [
    ['/', 'Retry all', 'bulk', 'paused', 'slots busy', 'p99'],
    ['/jobs?task=mail.send&state=failed', '"bob', 'caused by RangeError: 452 over quota'],
    ['/jobs', 'image.resize', 'legacy.export', 'parked'],
    [
      await job('state=failed&task=mail.send'),
      'is full',
      'caused by',
      '452 over quota',
      'connecting to mail.example.com',
      'fsq retry',
    ],
    [await job('state=running'), 'of 4,000', 'Kill', 'month'],
    [await job('state=parked&text=customers'), 'legacy.export', 'customers'],
    [await job('task=stock.sum'), 'Goes together', 'stock.count', '6'],
    ['/failures', 'card.charge', 'is declined', 'TypeError', 'mail.send', 'caused by RangeError: … over quota'],
    ['/schedules', 'tidy-up', '04:00', 'Europe/Berlin', 'count-stock', 'hour'],
    ['/workers', 'supervisor', 'report.monthly', 'iB'],
    ['/spool', 'pending', 'results', 'free of'],
    ['/jobs/no-such-job', 'All jobs'],
  ] as const) {
    await go(place);
    await page.setViewportSize({ width: 1280, height: 900 });
    for (const text of wanted)
      await until(async () => (await textOf(page)).toLowerCase().includes(text.toLowerCase()), `${place} says ${text}`);
    await page.setViewportSize({ width: 360, height: 740 });
    await assertFits(page, place);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The filter is in the address: it outlives a reload, and the browser's way back. */
async function filters({ page, desk, go }: Scene): Promise<void> {
  await go('/jobs');
  await page.getByRole('button', { name: /^succeeded/ }).click();
  await page.getByLabel('Task').fill('image.resize');
  await page.getByLabel('Text in arguments, or id').fill('photos/77.');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByLabel('Within').selectOption('1h');
  await page.getByRole('heading', { name: '1 job, that is all' }).waitFor();
  assert.equal(page.url(), `${desk.base}#/jobs?state=succeeded&task=image.resize&since=1h&text=photos%2F77.`);
  await page.reload();
  await seen(page);
  await page.getByRole('heading', { name: '1 job' }).waitFor();
  assert.equal(await page.getByLabel('Task').inputValue(), 'image.resize');
  assert.equal(await page.getByLabel('Within').inputValue(), '1h');
  await page.locator('tbody a').first().click();
  await page.locator('.job-head').waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: '1 job' }).waitFor();
  // What of an address is no filter is told.
  await go('/jobs?state=faild&sinc=1h&task=mail.send');
  await page.getByText('There is no filter "sinc" (there are state, task').waitFor();
  await page.getByText('There is no state "faild" (there are pending,').waitFor();
  await go('/jobs?state=failed&since=1h');
  await page.getByText('There is no').waitFor({ state: 'detached' });
  // With a filter the chips count what a press of them would show.
  await go('/jobs?task=card.charge');
  await page.getByRole('button', { name: 'failed 8', exact: true }).click();
  await page.getByRole('heading', { name: '8 jobs', exact: true }).waitFor();
  await page.getByRole('button', { name: 'succeeded 0', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.getByRole('link', { name: 'Older' }).click();
  await page.getByRole('link', { name: 'Newest' }).waitFor();
  assert.match(page.url(), /before=/);
  for (const [label, value] of [
    ['Error', 'card of order order-4001'],
    ['Queue', 'bulk'],
    ['Key', 'no-such-key'],
  ] as const) {
    // prettier-ignore
    await go('/jobs?error=x');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByLabel(label, { exact: true }).fill(value);
    const wanted = { Error: '1 job', Queue: '30 jobs', Key: '0 jobs' }[label];
    await page.getByRole('heading', { name: wanted, exact: true }).waitFor();
  }
}

async function keyboard({ page, go }: Scene): Promise<void> {
  await go('/');
  for (const [keys, title] of [
    ['gj', 'Jobs'],
    ['gf', 'Failures'],
    ['gs', 'Schedules'],
    ['gw', 'Workers'],
    ['gp', 'Spool'],
    ['go', 'Overview'],
    ['gj', 'Jobs'],
  ] as const) {
    // prettier-ignore
    await pressTogether(page, keys);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
  }
  await seen(page);
  await page.keyboard.press('/');
  await page.keyboard.type('jxk?photos/1');
  assert.equal(await page.getByLabel('Text in arguments, or id').inputValue(), 'jxk?photos/1');
  // In one task, before the page is drawn anew.
  await page.evaluate(`(() => {
    const field = document.activeElement;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, 'photos/1');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
  })()`);
  await page.waitForURL(/text=photos%2F1$/);
  await page.keyboard.press('Escape');
  await seen(page);
  const focused = (): Promise<number> => page.evaluate<number>(
    "[...document.querySelectorAll('[data-row]')].indexOf(document.activeElement.closest('[data-row]'))",
  ); // prettier-ignore
  for (const key of ['j', 'j', 'j', 'k']) await page.keyboard.press(key);
  assert.equal(await focused(), 1);
  await page.keyboard.press('x');
  await page.getByText('1 marked').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.job-head').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // For a moment Escape is of the dialog that it has closed.
  await until(async () => {
    await page.keyboard.press('Escape');
    return !page.url().includes('#/jobs/');
  }, 'Escape leaves the job');
  await page.getByText('1 marked').waitFor(); // The marks are kept on the way to a job and back.
}

/** Nobody reloads, nobody asks: what is sent, and what ends, appears. */
async function live({ page, desk, shop, go }: Scene): Promise<void> {
  await go('/jobs?text=photos/live');
  await page.getByRole('heading', { name: '0 jobs' }).waitFor();
  await page.evaluate('globalThis.isSame = true');
  await shop.send(`import { resize } from './tasks.js'; await resize.delay('photos/live.jpg', 1);`);
  await page.locator('tbody .state.succeeded').waitFor();
  assert.equal(await page.evaluate('globalThis.isSame'), true);
  await until(async () => (await page.locator('.connection').innerText()) === 'live', 'the page says that it is live');
  assert.equal(page.url().startsWith(desk.base), true);
}

/** Jobs come, and the list is drawn anew: the focus, the marks, the scroll and what is selected stay. */
async function kept({ page, shop, go }: Scene): Promise<void> {
  await go('/jobs?task=image.resize');
  const link = page.locator('tbody tr').nth(60).getByRole('link').first();
  const href = await link.getAttribute('href');
  await page.locator('tbody tr').nth(58).getByRole('checkbox').check();
  await link.focus();
  await link.scrollIntoViewIfNeeded();
  await page.evaluate('getSelection().selectAllChildren(document.activeElement)');
  const selected = await page.evaluate('String(getSelection())');
  const scroll = await page.evaluate<number>('scrollY');
  assert.ok(scroll > 300);
  await shop.send(`import { resize } from './tasks.js'; await resize.delay('photos/kept.jpg', 1);`);
  await page.locator(`tbody tr:nth-child(62) a[href="${href ?? ''}"]`).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate("document.activeElement.getAttribute('href')"), href);
  assert.equal(await page.evaluate('String(getSelection())'), selected);
  await page.getByText('1 marked').waitFor({ state: 'attached' });
  const moved = Math.abs((await page.evaluate<number>('scrollY')) - scroll);
  assert.ok(moved < 120, `the list has jumped by ${moved} px`);
}

async function theme({ page, go }: Scene): Promise<void> {
  await go('/');
  const ground = (): Promise<string> =>
    page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  const button = page.getByRole('button', { name: /^Theme: / });
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await ground();
  assert.notEqual(light, dark);
  await button.click(); // From the system's to light.
  assert.equal(await ground(), light);
  await page.reload();
  await seen(page);
  assert.equal(await ground(), light);
  await button.click();
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(await ground(), dark);
  await button.click();
  assert.equal(await ground(), light);
}

/** The chart is there as a table too, over the time that one chooses. */
async function chart({ page, go }: Scene): Promise<void> {
  await go('/');
  const picture = page.getByRole('img', {
    name: /^Jobs a minute over the last 15 minutes: \d+ ended in all, of which \d+ failed/,
  });
  await picture.waitFor();
  await page.getByRole('button', { name: '24 h' }).click();
  await page.getByRole('button', { name: 'Show as table' }).click();
  const table = page.getByRole('table', { name: /^Jobs a minute over the last 24 hours/ });
  assert.equal(await table.getByRole('row').count(), 25);
  await page.getByRole('button', { name: '15 min' }).click();
  await page.getByRole('button', { name: 'Show as chart' }).click();
  await picture.waitFor();
}

/** Also where the browser gives no clipboard, as on plain HTTP of another machine. */
async function copied({ page, desk, go }: Scene): Promise<void> {
  const { jobs } = await desk.ask<JobPage>('api/jobs?state=failed&task=mail.send');
  const id = jobs[0]?.id ?? '';
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })");
  await go(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Copy the id' }).click();
  await page.getByRole('button', { name: 'Copied the id' }).waitFor();
  await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
  await page.getByLabel('Arguments, as a JSON list').fill('');
  await page.keyboard.press('Control+V');
  assert.equal(await page.getByLabel('Arguments, as a JSON list').inputValue(), id);
  await page.keyboard.press('Escape');
}

/** An address that changes in the moment in which the page is drawn first is heeded. */
async function early({ page, desk }: Scene): Promise<void> {
  const other = await page.context().newPage();
  await other.addInitScript(`new MutationObserver((_, observer) => {
    if (document.querySelector('h1') === null) return;
    observer.disconnect();
    location.hash = '#/workers';
  }).observe(document, { childList: true, subtree: true });`);
  await other.goto(desk.url);
  await other.getByRole('heading', { name: 'Workers', level: 1 }).waitFor();
  await other.close();
}
