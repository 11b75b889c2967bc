/** Jobs that somebody made to do harm to whoever looks at them: they are shown as texts, quickly, and nothing of them runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../src/job/errors.ts';
import type { JobDetail, JobPage } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { nextId } from '../support/factory.ts';
import { attempt, jobText, plant } from '../support/planted.ts';
import { fsq, run, startWorker, tempProject } from '../support/project.ts';
import { assertFits, lacksBrowser, openBrowser, openPage, seen, textOf } from './chromium.ts';
import { openDesk } from './shop.ts';

const HTML = `<img src=x onerror="globalThis.hurt='img'"><script>globalThis.hurt='script'</script><svg onload="globalThis.hurt='svg'">`;
const LINK = `javascript:globalThis.hurt='link'`;
const CONTROLS = 'red \\u001b[31mred\\u001b[0m bell\\u0007 nul\\u0000 back\\b\\b\\b';
const TURNED = 'photo\\u202egpj.exe \\u2066isolated\\u2069 \\u200bzero';
const LONE = 'lone \\ud83d and \\udc00 halves';
const WIDE = '${"w".repeat(9_000)}';

const TASKS = `import { currentJob, task } from 'fsq';
export const texts = [\`${HTML.replaceAll('`', '')}\`, "${LINK}", "${CONTROLS}", "${TURNED}", "${LONE}", \`${WIDE}\`];
const odd = texts[0].slice(0, 60);
class Odd extends Error { name = odd; }
export const fail = task('odd', (text) => {
  console.log(text);
  currentJob().progress(0.5, { [text.slice(0, 200)]: text.slice(0, 9_000) });
  throw Object.assign(new Odd(text, { cause: new Odd(text) }), { code: text.slice(0, 300) });
});
export const huge = task('huge', (text) => { throw new Error(text); });
`;
const LOAD = `import { fail, huge, texts } from './tasks.js';
for (const text of texts) await fail.applyAsync([text, { [text.slice(0, 500)]: [text, null, { deep: text }] }], {
  headers: { 'x-odd': text.slice(0, 200).replace(/[\\ud800-\\udfff]/g, '') },
}).catch((error) => console.error(error.message));
await huge.delay('<b>' + 'x y '.repeat(1_000_000));
await huge.delay(Array.from({ length: 60_000 }, (_, i) => '<i>' + i));
let deep = 'bottom';
for (let i = 0; i < 60; i++) deep = [deep];
await huge.delay(deep);
`;

test(
  'a job that is HTML, 4 MB, turned round, or full of control characters harms nobody',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const project = tempProject(t, {
      'tasks.js': TASKS,
      'load.js': LOAD,
      'fsq.config.mjs': `export default { tasks: ['tasks.js'] };`,
    });
    const [loaded] = await Promise.all([
      run(project, process.execPath, ['load.js']),
      startWorker(t, project, ['-c', '2']),
    ]);
    assert.equal(loaded.code, 0, loaded.stderr);
    const desk = await openDesk(t, project);
    const jobs = await until(async () => {
      const { jobs, total } = await desk.ask<JobPage>('api/jobs?state=failed');
      return total === 9 ? jobs : null;
    }, 'all have failed');
    const { page, complaints } = await openPage(t, browser, desk.url);
    for (const place of [
      '/',
      '/jobs',
      '/failures',
      '/schedules',
      '/workers',
      '/spool',
      ...jobs.map(({ id }) => `/jobs/${id}`),
    ]) {
      await page.goto(`${desk.base}#${place}`);
      await seen(page);
      if (place.startsWith('/jobs/')) {
        await page.locator('.job-head').waitFor();
        await page.getByRole('heading', { name: /attempt/i }).waitFor();
      }
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await assertFits(page, place);
      }
      assert.equal(await page.evaluate('globalThis.hurt'), undefined, `${place} ran what a job has brought`);
      assert.equal(await page.locator('main img, main script, main a[href^="javascript"]').count(), 0);
      // eslint-disable-next-line no-control-regex -- they are what is looked for
      const bad = /[\u0000-\u0008\u000b-\u001f\u007f\u200b\u202a-\u202e\u2066-\u2069]/.exec(await textOf(page));
      assert.equal(bad, null, `${place} shows U+${bad?.[0].charCodeAt(0).toString(16) ?? ''} as it is`);
      assert.deepEqual(complaints(), []);
    }
    await page.goto(`${desk.base}#/jobs`);
    await page.getByText('<img src=x').first().waitFor();
    const { jobs: [found] } = await desk.ask<JobPage>(`api/jobs?text=${encodeURIComponent('gpj.exe')}`); // prettier-ignore
    await page.goto(`${desk.base}#/jobs/${found?.id ?? ''}`);
    await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
    await page.getByRole('dialog').getByRole('textbox').waitFor();
    assert.deepEqual(complaints(), []);
  },
);

test(
  'an address that is odd leads somewhere, and an old filter to an explanation',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const desk = await openDesk(t, tempProject(t, {}));
    const { page, complaints } = await openPage(t, browser, desk.url);
    for (const place of [
      '/jobs/%',
      '/jobs/%2e%2e%2f',
      '/jobs?state=nonsense&before=%00',
      '/jobs?since=never',
      `/jobs?text=${'x'.repeat(3_000)}`,
      '//evil.example',
      '/constructor',
      '/jobs?group=<script>',
      '#/#/jobs',
    ]) {
      await page.goto(`${desk.base}#${place}`);
      await seen(page);
      assert.ok((await textOf(page)).length > 100, place);
      assert.deepEqual(complaints(), [], place);
    }
  },
);

const ODD = `[{"__proto__":{"isAdmin":true},"constructor":{"prototype":2},"toJSON":3,"":4},"\\ud800 alone","\u2028 \u2029 \u202e",9007199254740992,1e+21,0.1]`;

test('arguments are sent as they were typed, and what is refused is not lost', { skip: lacksBrowser }, async (t) => {
  const browser = await openBrowser(t);
  const project = tempProject(t, {});
  assert.equal((await fsq(project, ['call', 'echo', '1'])).code, 0);
  const desk = await openDesk(t, project);
  const [old] = (await desk.ask<JobPage>('api/jobs')).jobs;
  const { page, complaints } = await openPage(t, browser, desk.url);
  await page.goto(`${desk.base}#/jobs/${old?.id ?? ''}`);
  await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByRole('textbox');
  for (const [typed, told] of [
    [`["${'x'.repeat(4_500_000)}"]`, /have 4500004 bytes of JSON; at most 4194304 are accepted/],
    [`["${'x'.repeat(9_000_000)}"]`, /at most \d+ bytes/],
    ['['.repeat(10_000) + ']'.repeat(10_000), /nested more than 64 levels deep/],
    ['[9007199254740993]', /9007199254740993, which would arrive as 9007199254740992/],
  ] as const) {
    await field.fill(typed);
    await dialog.getByRole('button', { name: 'Send' }).click();
    await until(async () => told.test(await dialog.innerText()), `${typed.slice(0, 20)} is refused`);
    assert.equal((await field.inputValue()).length, typed.length);
  }
  assert.equal((await desk.ask<JobPage>('api/jobs')).total, 1);
  await field.fill(ODD);
  await dialog.getByRole('button', { name: 'Send' }).click();
  await dialog.waitFor({ state: 'detached' });
  await until(() => !page.url().includes(old?.id ?? ''), 'the new job is shown');
  const { args } = await desk.ask<JobDetail>(`api/jobs/${page.url().replace(/.*\//, '')}`);
  assert.equal(JSON.stringify(args), ODD);
  await page.getByText('isAdmin').first().waitFor();
  await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
  assert.equal(JSON.stringify(JSON.parse(await field.inputValue())), ODD);
  assert.deepEqual(complaints(), []);
});

test(
  'a job whose file is broken, newer, or has too much of everything is shown in time',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const project = tempProject(t, {});
    assert.equal((await fsq(project, ['call', 'echo', '1'])).code, 0);
    const { spool } = project;
    const [broken, newer, wide] = [nextId(), nextId(), nextId()];
    plant(spool, `results/${broken}.json`, '{"v":1,"task":');
    plant(spool, `results/${newer}.json`, `{"v":2,"id":"${newer}","task":"add","args":[]}`);
    const leaf = (i: number): Failure => ({ name: 'Error', message: `<b>leaf ${i}</b>`, cause: { name: 'Why', message: `why ${i}` } }); // prettier-ignore
    const error = { name: 'AggregateError', message: HTML, errors: Array.from({ length: 3 }, (_, i) => leaf(i)) };
    const attempts = Array.from({ length: 20_000 }, (_, i) => attempt({ attempt: i + 1, startedAtMs: 10 * i, endedAtMs: 10 * i + 1, ...(i === 19_999 ? { error } : {}) })); // prettier-ignore
    const headers = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`h${i}`, i === 0 ? 'long'.repeat(1_000) : 'x'])); // prettier-ignore
    const options = { after: Array.from({ length: 600 }, nextId) };
    const parts = { id: wide, headers, options, args: ['x'.repeat(4_500_000)] };
    plant(spool, `results/${wide}.json`, jobText(parts, { attempts, outcome: { state: 'failed', error } }));
    const desk = await openDesk(t, project);
    const { page, complaints } = await openPage(t, browser, desk.url);
    for (const id of [broken, newer]) {
      await page.goto(`${desk.base}#/jobs/${id}`);
      await page.getByRole('heading', { name: 'A job that cannot be read' }).waitFor();
      await page.getByText('They cannot be read.').waitFor();
      assert.equal(await page.getByRole('button', { name: 'Retry with other arguments…' }).count(), 0);
    }
    await page.goto(`${desk.base}#/jobs/${wide}`);
    await page.getByRole('heading', { name: '20,000 attempts' }).waitFor();
    for (const text of [
      'error 3 of the 3 in it',
      '<b>leaf 2</b>',
      'why 2',
      '19,900 earlier ones',
      'earlier lines are not shown here',
      '4,500,004 characters',
      'longlong…',
      'of these 500 jobs: 1 failed',
      'Those nearest to this job are shown; there are more.',
    ])
      // prettier-ignore
      await page.getByText(text).first().waitFor();
    assert.equal(await page.evaluate('globalThis.hurt'), undefined);
    assert.ok((await page.evaluate<number>('document.querySelectorAll("*").length')) < 20_000);
    await page.getByRole('button', { name: 'Retry with other arguments…' }).click();
    await page.getByText('too long for this page, 4,500,004 characters').waitFor();
    await page.goto(`${desk.base}#/jobs`);
    await page.getByRole('heading', { name: '4 jobs' }).waitFor();
    await page.goto(`${desk.base}#/jobs?since=never`);
    await page.getByText('Expected since to be a duration').waitFor();
    assert.equal(await page.locator('table.jobs').count(), 0, 'jobs of another filter are shown');
    assert.deepEqual(complaints(), []);
  },
);
