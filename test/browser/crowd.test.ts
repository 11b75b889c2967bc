/** Acts while others change the same jobs: workers, another page, somebody who takes the spool away. What was done is told, and all of it. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { JobPage, JobQuery, Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { type Project, run, startWorker, tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, seen } from './chromium.ts';
import { type Desk, openDesk } from './shop.ts';

const FILES = {
  'tasks.js': `import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
export const add = task('add', (name) => name);
export const slow = task('slow', async () => { await sleep(10); });
export const fail = task('fail', (name) => { throw new Error('no ' + name); });`,
  'fsq.config.mjs': `export default { tasks: ['tasks.js'] };`,
};

interface Scene {
  readonly project: Project;
  readonly desk: Desk;
}

async function scene(t: TestContext, script: string): Promise<Scene> {
  const project = tempProject(t, FILES);
  const text = `import { add, fail, slow } from './tasks.js'; const times = (n, send) => Promise.all(Array.from({ length: n }, (_, i) => send(i)));\n${script}`;
  const ran = await run(project, process.execPath, ['--input-type=module'], { input: text });
  assert.equal(ran.code, 0, ran.stderr);
  return { project, desk: await openDesk(t, project) };
}

async function pageAt(t: TestContext, browser: Browser, { desk }: Scene, place: string): Promise<Page> {
  const { page } = await openPage(t, browser, desk.url);
  await page.goto(`${desk.base}#${place}`);
  await seen(page);
  return page;
}

const answer = (page: Page): Promise<string> => page.locator('.answer p').innerText();
const countOf = async ({ desk }: Scene, query: JobQuery): Promise<number> => {
  const { counts } = await desk.ask<Summary>('api/summary');
  return (query.states ?? []).reduce((sum, state) => sum + counts[state], 0);
};
const numbersIn = (text: string): readonly number[] => (text.match(/\d+/g) ?? []).map(Number);

test('what the page does while others do the same', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const parts: Readonly<Record<string, (t: TestContext, browser: Browser) => Promise<void>>> = { textCounted, drained, twice, gone }; // prettier-ignore
  for (const [name, part] of Object.entries(parts)) await t.test(name, (t) => part(t, browser));
});

/** Jobs by a text in their arguments: all that match are counted when that is asked, and these and no others are meant. */
async function textCounted(t: TestContext, browser: Browser): Promise<void> {
  const shop = await scene(t, `await times(330, (i) => add.delay('anna ' + i)); await times(20, (i) => add.delay('otto ' + i));`); // prettier-ignore
  const page = await pageAt(t, browser, shop, '/jobs?text=anna');
  await page.getByText('For acts on all that match, choose a state.').waitFor();
  await page.goto(`${shop.desk.base}#/jobs?state=pending&text=anna`);
  await page.getByRole('heading', { name: '100 jobs on this page' }).waitFor();
  await page.getByRole('button', { name: 'Count all that match' }).click();
  await page.getByRole('heading', { name: '330 jobs', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Revoke all 330' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Those that match then are taken, but no more than 330 jobs').waitFor();
  await dialog.getByRole('textbox').fill('330');
  await dialog.locator('button[type=submit]').click();
  await until(async () => (await answer(page)).includes('330 jobs revoked'), 'they are revoked');
  await until(async () => (await countOf(shop, { states: ['pending'] })) === 20, 'the others wait');
  // Few are read in one answer, which knows how many there are.
  await page.goto(`${shop.desk.base}#/jobs?state=pending&text=otto`);
  await page.getByRole('button', { name: 'Revoke all 20' }).waitFor();
  await page.getByRole('heading', { name: '20 jobs, that is all' }).waitFor();
}

/** While one types the number, a worker runs half of the jobs: each of the number is told of, and each job is where the answer says. */
async function drained(t: TestContext, browser: Browser): Promise<void> {
  const shop = await scene(t, `await times(400, (i) => slow.delay(i));`);
  const page = await pageAt(t, browser, shop, '/jobs?state=pending');
  await page.getByRole('button', { name: 'Revoke all 400' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('400');
  const worker = startWorker(t, shop.project, ['-c', '1']);
  await until(async () => (await countOf(shop, { states: ['succeeded'] })) > 0, 'the worker has begun');
  await page.getByRole('dialog').locator('button[type=submit]').click();
  const told = await until(() => answer(page), 'it is told what was done', 30_000);
  await (await worker).stop();

  const [revoked = 0] = numbersIn(told);
  const all = [...told.matchAll(/(\d+)(?: jobs?)? (?:revoked|told to end|had ended before|(?:is|are) there no more|no longer matched)/g)]; // prettier-ignore
  const sum = all.reduce((total, [, number]) => total + Number(number), 0);
  if (!told.includes('no job matches now')) assert.equal(sum, 400, told);
  await until(async () => (await countOf(shop, { states: ['pending', 'running'] })) === 0, 'none is left');
  const ended = await countOf(shop, { states: ['succeeded', 'revoked'] });
  assert.equal(ended, 400, told);
  if (/^\d+ jobs? revoked/.test(told)) assert.equal(await countOf(shop, { states: ['revoked'] }), revoked, told);
}

/** Two pages have marked the same jobs: the second to act hears what is there no more, and what is not as it was. */
async function twice(t: TestContext, browser: Browser): Promise<void> {
  const shop = await scene(t, `await times(3, (i) => fail.delay(i));`);
  const worker = await startWorker(t, shop.project, ['-c', '1']);
  await until(async () => (await countOf(shop, { states: ['failed'] })) === 3, 'they have failed');
  await worker.stop();
  const [one, other] = [await pageAt(t, browser, shop, '/jobs?state=failed'), await pageAt(t, browser, shop, '/jobs?state=failed')]; // prettier-ignore
  for (const page of [one, other]) await page.getByRole('checkbox', { name: 'Mark all on this page' }).check();
  await one.getByRole('button', { name: 'Retry', exact: true }).click();
  await until(async () => (await answer(one)) === '3 jobs sent back.', 'the first has sent them back');
  await other.getByRole('button', { name: 'Retry', exact: true }).click();
  const told = await until(() => answer(other), 'the second hears of it');
  assert.match(told, /^0 jobs sent back, 3 refused: .*has not ended/);
  const { jobs } = await shop.desk.ask<JobPage>('api/jobs?state=pending');
  assert.equal(jobs.length, 3);
}

/** The spool is away when the button is pressed: nothing is said to be done, and it can be done once the spool is back. */
async function gone(t: TestContext, browser: Browser): Promise<void> {
  const shop = await scene(t, `await times(3, (i) => add.delay(i));`);
  const { spool } = shop.project;
  const page = await pageAt(t, browser, shop, '/jobs?state=pending');
  await page.getByRole('checkbox', { name: 'Mark all on this page' }).check();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  renameSync(spool, `${spool}.away`);
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await until(async () => /spool/.test(await answer(page)), 'it is told that nothing was done');
  assert.doesNotMatch(await answer(page), /jobs? revoked/);
  await page.locator('.verdict.trouble').waitFor();
  renameSync(`${spool}.away`, spool);
  await page.locator('.verdict.trouble').waitFor({ state: 'detached' });
  await page.getByText('3 marked').waitFor();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByRole('dialog').locator('button[type=submit]').click();
  await until(async () => (await answer(page)) === '3 jobs revoked.', 'it is done');
}
