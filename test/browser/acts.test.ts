/** Every button of the page, pressed in a browser: what it does to the jobs, and what stays as it was. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import type { FailureGroups, JobDetail, JobPage, ScheduleRow, StateName, Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { lacksBrowser, openBrowser, openPage, seen } from './chromium.ts';
import { type Desk, openDesk, openShop, type Shop } from './shop.ts';

interface Scene {
  readonly page: Page;
  readonly desk: Desk;
  readonly shop: Shop;
  go(place: string): Promise<void>;
}

const totalOf = async (desk: Desk, query: string): Promise<number> =>
  (await desk.ask<JobPage>(`api/jobs?${query}`)).total ?? -1;
const stateOf = async (desk: Desk, id: string): Promise<StateName> =>
  (await desk.ask<JobDetail>(`api/jobs/${id}`)).state;
const attemptsOf = async (desk: Desk, id: string): Promise<number> =>
  (await desk.ask<JobDetail>(`api/jobs/${id}`)).attempts.length;
const oneOf = (desk: Desk, query: string): Promise<string> =>
  until(async () => (await desk.ask<JobPage>(`api/jobs?${query}`)).jobs[0]?.id, `there is a job of ${query}`);
const has = (desk: Desk, query: string, total: number): Promise<unknown> =>
  until(async () => (await totalOf(desk, query)) === total, `${total} jobs match ${query}`);
/** The page says what came of an act. Only from then on a state that jobs had before it as well tells that they have it again. */
const says = (page: Page, text: string): Promise<void> =>
  page.locator('.answer').getByText(text, { exact: true }).waitFor();

/** Presses a button, and answers the question that it asks. */
async function confirm(page: Page, button: string, typed?: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  const dialog = page.getByRole('dialog');
  if (typed !== undefined) await dialog.getByRole('textbox').fill(typed);
  await dialog.locator('button[type=submit]').click();
  await dialog.waitFor({ state: 'detached' });
}

test('what the page does to jobs, queues and schedules', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const shop = await openShop(t);
  const desk = await openDesk(t, shop.project);
  await has(desk, 'state=failed&task=mail.send', 12);
  await has(desk, 'state=failed&task=card.charge', 8);
  const { page, complaints } = await openPage(t, browser, desk.url);
  const go = async (place: string): Promise<void> => {
    await page.goto(`${desk.base}#${place}`);
    await seen(page);
  };
  const scene = { page, desk, shop, go };
  const parts: Readonly<Record<string, (scene: Scene, t: TestContext) => Promise<void>>> = { marks, counted, edited, running, chains, queues, schedules, failures, overview }; // prettier-ignore
  for (const [name, part] of Object.entries(parts)) {
    await t.test(name, async (t) => {
      await part(scene, t);
      assert.deepEqual(complaints(), []);
    });
  }
});

/** Marked jobs are retried and deleted: the filter stays, the marks go, and what cannot be taken back says which jobs it means. */
async function marks({ page, desk, go }: Scene): Promise<void> {
  await go('/jobs?state=failed&task=card.charge');
  const boxes = page.getByRole('checkbox', { name: /^Mark card/ });
  await boxes.nth(1).check();
  await boxes.nth(2).check();
  await page.getByText('2 marked').waitFor();
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await says(page, '2 jobs sent back.');
  assert.match(page.url(), /#\/jobs\?state=failed&task=card\.charge$/);
  await has(desk, 'state=failed&task=card.charge', 8); // They ran, and failed again.
  await page.getByText('2 marked').waitFor({ state: 'detached' });
  const [one = '', other = ''] = (await desk.ask<JobPage>('api/jobs?state=failed&task=card.charge')).jobs.map(
    ({ id }) => id,
  );
  for (const id of [one, other]) await page.getByRole('checkbox', { name: `Mark card.charge ${id}` }).check();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const id of [one, other]) await page.getByRole('dialog').getByTitle(id).waitFor();
  await page.keyboard.press('Escape');
  await confirm(page, 'Delete');
  await has(desk, 'state=failed&task=card.charge', 6);
  await page.getByText('2 marked').waitFor({ state: 'detached' }); // They are there no more.
  await page.getByRole('heading', { name: '6 jobs' }).waitFor();
}

/** All that match: a wrong number does nothing, and one that is true no more is refused. */
async function counted({ page, desk, go }: Scene): Promise<void> {
  await go('/jobs?state=failed&task=card.charge');
  await page.getByRole('button', { name: 'Delete all 6' }).click();
  const dialog = page.getByRole('dialog');
  const submit = dialog.locator('button[type=submit]');
  await dialog.getByText('card.charge').waitFor();
  for (const wrong of ['', '5', '60', 'six']) {
    await dialog.getByRole('textbox').fill(wrong);
    assert.ok(await submit.isDisabled(), `"${wrong}" is taken for 6`);
    await dialog.getByRole('textbox').press('Enter');
  }
  assert.equal(await totalOf(desk, 'state=failed&task=card.charge'), 6);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await confirm(page, 'Delete all 6', '6');
  await has(desk, 'state=failed&task=card.charge', 0);
  await page.getByText('No job matches this filter').waitFor();
}

/** Bad JSON is told while one types; good JSON makes a new job, and the old one stays. */
async function edited({ page, desk, go }: Scene): Promise<void> {
  const id = await oneOf(desk, 'state=failed&task=mail.send');
  await go(`/jobs/${id}`);
  await page.getByText('452 over quota').first().waitFor();
  await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
  const [field, send] = [page.getByLabel('Arguments, as a JSON list'), page.getByRole('button', { name: 'Send' })];
  for (const bad of ['["eve@example.com"', '{"to": 1}', 'eve', '']) {
    await field.fill('[]');
    await until(() => send.isEnabled(), 'what was wrong before it is told no more');
    await field.fill(bad);
    await until(async () => (await page.locator('dialog .trouble').innerText()) !== '', `${bad} is told to be wrong`);
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.ok(await send.isDisabled());
  }
  await field.fill('["eve@example.com"]');
  await send.click();
  await until(() => !page.url().includes(id) && page.url().includes('/jobs/'), 'the new job is shown');
  const made = page.url().replace(/.*\//, '');
  await until(async () => (await stateOf(desk, made)) === 'succeeded', 'the new job has run');
  await page.getByText('eve@example.com').first().waitFor();
  assert.equal(await stateOf(desk, id), 'failed');

  await go(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Retry', exact: true }).click();
  await says(page, '1 job sent back.');
  await until(async () => (await stateOf(desk, id)) === 'failed', 'it has failed again');
  await confirm(page, 'Delete');
  await has(desk, 'state=failed&task=mail.send', 11);
}

/** Progress goes on without a reload; a job that runs is killed, one that waits is revoked. */
async function running({ page, desk, shop, go }: Scene): Promise<void> {
  await shop.send(`import { slow } from './tasks.js'; await slow.applyAsync(['2026-11'], { queue: 'reports' });`);
  const id = await oneOf(desk, 'state=running&text=2026-11');
  await go(`/jobs/${id}`);
  const told = async (): Promise<string> => page.locator('.busy').innerText();
  const before = await told();
  await until(async () => (await told()) !== before, 'the progress moves');
  // Once, and without asking for it.
  assert.equal(await page.getByRole('heading', { name: 'Output' }).count(), 0);
  await page.getByRole('group', { name: 'What attempt 1 printed' }).getByText('page 2 of 2026-11').waitFor();
  await confirm(page, 'Kill');
  await until(async () => (await stateOf(desk, id)) === 'revoked', 'it is killed');
  await page.locator('.job-head .state.revoked').waitFor();

  const waiting = await oneOf(desk, 'state=delayed&text=later');
  await go(`/jobs/${waiting}`);
  await confirm(page, 'Revoke');
  await until(async () => (await stateOf(desk, waiting)) === 'revoked', 'it is revoked');

  const second = await oneOf(desk, 'state=running&task=report.monthly');
  await go('/jobs?state=running&task=report.monthly');
  await page.getByRole('checkbox', { name: 'Mark all on this page' }).check();
  await confirm(page, 'Revoke');
  await until(async () => (await stateOf(desk, second)) === 'revoked', 'it was asked to end, and has ended');
}

/** A step that failed takes the jobs after it with it, and the page says how many; of one after it the page says which has to go first. */
async function chains({ page, desk, shop, go }: Scene): Promise<void> {
  const steps = `chain(bake.s('bread'), book.s('shop'), book.s('books')).delay()`;
  await shop.send(`import { chain } from 'fsq'; import { bake, book } from './tasks.js'; await ${steps};`);
  const failed = async (): Promise<void> => {
    await has(desk, 'state=failed&task=oven.bake', 1);
    await has(desk, 'state=failed&task=ledger.book', 2);
  };
  const retry = async (id: string): Promise<string> => {
    await go(`/jobs/${id}`);
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    const said = await page.locator('.answer p', { hasText: 'sent back' }).innerText();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    return said;
  };
  await failed();
  const first = await oneOf(desk, 'state=failed&task=oven.bake');
  const last = await oneOf(desk, 'state=failed&task=ledger.book');

  assert.equal(await retry(first), '1 job sent back, and 2 after it that had failed for that.');
  await until(async () => (await attemptsOf(desk, first)) === 2, 'it has run again');
  await failed();
  const refused = await retry(last);
  assert.match(refused, /^1 job sent back\. /);
  assert.ok(refused.includes(`after job ${first}, which is failed`), refused);
  await failed();

  await shop.send(`import { writeFileSync } from 'node:fs'; writeFileSync('oven.hot', '');`);
  await retry(first);
  await page.getByText('3 jobs: 3 succeeded').waitFor();
  assert.equal(await stateOf(desk, last), 'succeeded');
}

/** A queue that is paused keeps its jobs; resumed, it runs them. */
async function queues({ page, desk, go }: Scene): Promise<void> {
  const isPaused = async (name: string): Promise<boolean> =>
    (await desk.ask<Summary>('api/summary')).queues.some((queue) => queue.name === name && queue.isPaused);
  await go('/');
  assert.ok(await isPaused('bulk'));
  await page.getByRole('button', { name: 'Resume queue bulk' }).click();
  await until(async () => !(await isPaused('bulk')), 'bulk goes on');
  await has(desk, 'state=succeeded&queue=bulk', 30);
  await page.getByRole('button', { name: 'Pause queue mail' }).click();
  await until(() => isPaused('mail'), 'mail is paused');
  await page.getByRole('button', { name: 'Resume queue mail' }).click();
  await until(async () => !(await isPaused('mail')), 'mail goes on');
}

async function schedules({ page, desk, go }: Scene): Promise<void> {
  const row = async (): Promise<ScheduleRow | undefined> =>
    (await desk.ask<readonly ScheduleRow[]>('api/schedules')).find(({ name }) => name === 'tidy-up');
  await go('/schedules');
  await page.getByRole('button', { name: 'Pause tidy-up' }).click();
  await until(async () => (await row())?.isPaused === true, 'it is paused');
  await page.getByRole('button', { name: 'Resume tidy-up' }).click();
  await until(async () => (await row())?.isPaused === false, 'it goes on');
  await page.getByRole('button', { name: 'Run now: tidy-up' }).click();
  await page.getByRole('link', { name: 'Open the new job' }).click();
  await page.locator('.job-head .state.succeeded').waitFor();
  const made = page.url().replace(/.*\//, '');
  await until(async () => (await row())?.runs.at(-1)?.id === made, 'it is its latest run');
}

/** A kind of failure is retried as a whole, then deleted as a whole. */
async function failures({ page, desk, go }: Scene): Promise<void> {
  await go('/failures');
  const { groups } = await desk.ask<FailureGroups>('api/failures');
  const mail = groups.find(({ task }) => task === 'mail.send');
  assert.equal(mail?.count, 11, `the numbers in its message make another kind: ${JSON.stringify(groups)}`);
  await confirm(page, 'Retry 11 of mail.send', '11');
  await says(page, '11 jobs sent back.');
  await has(desk, 'state=failed&task=mail.send', 11);
  await page.getByRole('link', { name: 'mail.send', exact: true }).click();
  await page.getByRole('heading', { name: '11 jobs' }).waitFor();
  await page.goBack();
  await confirm(page, 'Delete 11 of mail.send', '11');
  await has(desk, 'state=failed&task=mail.send', 0);
}

/** All that failed, from the overview. */
async function overview({ page, desk, shop, go }: Scene): Promise<void> {
  await shop.send(`import { charge } from './tasks.js'; for (const n of [1, 2, 3]) await charge.delay('again-' + n);`);
  await has(desk, 'state=failed', 3);
  await go('/');
  await confirm(page, 'Retry all 3 failed', '3');
  await says(page, '3 jobs sent back.');
  await until(async () => {
    const { jobs } = await desk.ask<JobPage>('api/jobs?state=failed&task=card.charge');
    return jobs.length === 3;
  }, 'they have failed again');
}
