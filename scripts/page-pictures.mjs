/**
 * Makes the pictures of docs/ui/ from the page itself, in Chromium: `npm run pictures`. A worker runs the jobs of a little shop, and the page's own server
 * shows them under the name /srv/shop/spool. Only the day behind the shop is made up: what ended in each minute of it, and how long that took.
 *
 * Only pictures that README.md or docs/ui.md shows are kept. `npm run pictures -- FOLDER` writes a PNG of every screen there besides, in both themes, wide
 * and narrow, to look at.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { createApp } from '../src/app/app.ts';
import { openBroker } from '../src/open.ts';
import { openDesk } from '../src/ui/desk/open-desk.ts';
import { handlerOf } from '../src/ui/http/handler.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const PICTURES = join(ROOT, 'docs', 'ui');
const SHOWN = '/srv/shop';
const BYTES = 50_000;
const SHOWING = ['README.md', 'docs/ui.md'].map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');

const TASKS = `import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
class MailboxFull extends Error { name = 'MailboxFull'; }
export const resize = task('image.resize', async (file, width) => { await sleep(40 + file.length * 5); return { file, width, bytes: width * 212 }; });
export const mail = task('mail.send', { retries: 2, backoff: '300ms' }, async (to, letter) => {
  console.log('connecting to mail.example.com:587');
  console.log('letter ' + letter.id + ' for ' + to);
  await sleep(120);
  if (!to.startsWith('bob')) return { accepted: to };
  console.error('452 4.2.2 ' + to);
  throw new MailboxFull('The mailbox of ' + to + ' is full', { cause: Object.assign(new Error('452 4.2.2 over quota'), { code: 'EENVELOPE' }) });
});
export const charge = task('card.charge', async (order) => {
  await sleep(60);
  throw Object.assign(new RangeError('The card of order ' + order + ' is declined'), { code: 'DECLINED' });
});
export const count = task('stock.count', async (shelf) => { await sleep(90 + shelf * 7); return shelf * 12; });
export const sum = task('stock.sum', (numbers) => numbers.reduce((a, b) => a + b, 0));
export const report = task('report.monthly', async (month) => {
  const from = month === '2026-09' ? 2_740 : 960;
  for (let page = from; ; page++) {
    currentJob().progress({ done: page, total: 4_000 });
    await sleep(400, null, { signal: currentJob().signal });
  }
});
`;
const CONFIG = `export default {
  tasks: ['tasks.js'],
  schedules: {
    'count-stock': { task: 'stock.count', args: [7], every: '15m' },
    'nightly-report': { task: 'report.monthly', args: ['2026-10'], cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
    'weekly-prices': { task: 'stock.sum', args: [[1, 2]], cron: '30 6 * * 1' },
  },
};
`;
const LOAD = `import { chord, createApp, task } from 'fsq';
import { charge, count, mail, report, resize, sum } from './tasks.js';
const app = createApp();
await app.pause('archive');
const letter = (id) => ({ id, template: 'order-shipped', locale: 'de-DE' });
const many = (n, send) => Promise.all(Array.from({ length: n }, (_, i) => send(i)));
await many(60, (i) => resize.delay('photos/' + (1_200 + i) + '.jpg', 640));
await many(9, (i) => count.delay(i));
await many(6, (i) => resize.applyAsync(['2019/' + i + '.jpg', 320], { queue: 'archive' }));
await many(3, (i) => resize.applyAsync(['later/' + i + '.jpg', 640], { countdown: '2h' }));
for (let i = 0; i < 9; i++) {
  await resize.delay('photos/' + (1_260 + i) + '.jpg', 640);
  if (i % 2 === 0) await charge.delay(81_204 + i * 37);
  await mail.applyAsync([['ada', 'eve', 'bob', 'joe'][i % 4] + '@example.com', letter(7_301 + i)], { queue: 'mail' });
  if (i === 3) await report.applyAsync(['2026-09'], { queue: 'reports' });
  if (i === 6) await chord([count.s(1), count.s(2), count.s(3)], sum.s()).delay();
  if (i === 7) await task('legacy.export', () => 0).delay('customers');
}
await report.applyAsync(['2026-10'], { queue: 'reports' });
await mail.applyAsync(['bob@example.com', letter(7_400)], { queue: 'mail' });
await app.close();
`;

const SCREENS = {
  overview: async () => '/',
  jobs: async () => '/jobs',
  job: async (desk) => `/jobs/${(await desk.jobs({ states: ['failed'], tasks: ['mail.send'] }, null)).jobs[0].id}`,
  failures: async () => '/failures',
  schedules: async () => '/schedules',
  workers: async () => '/workers',
};

/** What the shop did lately, a wave over the day with a few bad minutes. */
function madeUp(activity, nowMs, rate) {
  const ended = activity.ended.map((_, i) => {
    const atMs = activity.fromMs + i * activity.slotMs;
    const noon = 1 + 0.55 * Math.sin((2 * Math.PI * (nowMs - atMs)) / 86_400_000 + 1.1);
    const over = Math.min(1, (nowMs - atMs) / activity.slotMs);
    return Math.round(
      over * rate * (activity.slotMs / 60_000) * noon * (0.86 + 0.28 * Math.abs(Math.sin(i * 2.3) * Math.cos(i * 0.7))),
    );
  });
  const failed = ended.map((all, i) => Math.round(all * (i % 23 === 17 ? 0.22 : i % 5 === 2 ? 0.05 : 0.012)));
  const times = (p50, p95, p99) => ({ p50, p95, p99 });
  return { ...activity, ended, failed, wait: times(14, 310, 1_240), run: times(118, 640, 2_900) };
}

function dressed(desk, folder) {
  const shown = (document) => JSON.parse(JSON.stringify(document).replaceAll(folder, SHOWN));
  const summary = async () => {
    const seen = shown(await desk.summary());
    const queues = seen.queues.map((queue, i) => ({
      ...queue,
      ended: queue.isPaused
        ? queue.ended
        : Array.from({ length: 15 }, (_, k) => Math.round((9 - 2 * i) * (2 + Math.sin(k * 1.3 + i)))),
    }));
    return { ...seen, queues, minutes: madeUp(seen.minutes, seen.atMs, 64), day: madeUp(seen.day, seen.atMs, 52) };
  };
  const own = { summary, job: async (id) => shown(await desk.job(id)), store: async () => shown(await desk.store()) };
  return new Proxy(desk, { get: (_, name) => own[name] ?? desk[name].bind(desk) });
}

async function serve(folder) {
  process.chdir(folder);
  const settings = await createApp({ spool: join(folder, 'spool') }).settings();
  const desk = openDesk({
    open: () => openBroker({ path: join(folder, 'spool'), looksAtOnce: true, mustExist: true }),
    settings,
    hidesArguments: false,
  });
  const handler = handlerOf({
    desk: dressed(desk, folder),
    access: { hosts: new Set(['127.0.0.1']), isKnown: () => true },
    basePath: '',
    facts: async () => ({ version: '0.1.0', place: `${SHOWN}/spool`, isReadOnly: false, hidesArguments: false }),
  });
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { desk, server, base: `http://127.0.0.1:${server.address().port}/` };
}

/** As WebP by the browser itself, as good as it may be within the bytes that a picture may have. */
async function smallOf(encoder, png) {
  for (const quality of [0.9, 0.8, 0.7, 0.6, 0.5]) {
    // A text, for it runs in the browser.
    const url = await encoder.evaluate(`(async () => {
      const image = Object.assign(new Image(), { src: 'data:image/png;base64,${png.toString('base64')}' });
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', ${quality});
    })()`);
    const webp = Buffer.from(url.replace(/.*,/, ''), 'base64');
    if (webp.length < BYTES) return webp;
  }
  throw new Error('a picture is too large');
}

async function take(browser, { base, desk }, pngFolder) {
  const encoder = await (await browser.newContext()).newPage();
  for (const [width, height, deviceScaleFactor] of [
    [1280, 860, 1],
    [360, 740, 2],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({
        viewport: { width, height },
        deviceScaleFactor,
        colorScheme,
        reducedMotion: 'reduce',
        locale: 'en-GB',
        timezoneId: 'Europe/Berlin',
      });
      const page = await context.newPage();
      for (const [name, place] of Object.entries(SCREENS)) {
        const file = `${name}-${colorScheme}-${width}`;
        const isShown = SHOWING.includes(`ui/${file}.webp`);
        if (!isShown && pngFolder === undefined) continue;
        await page.goto(`${base}#${await place(desk)}`);
        await page.getByText('live', { exact: true }).waitFor();
        for (
          const end = Date.now() + 20_000;
          (await page.locator('body').innerText()).includes('Looking…') && Date.now() < end;
        )
          await sleep(100);
        await sleep(500);
        const png = await page.screenshot();
        if (pngFolder !== undefined) writeFileSync(join(pngFolder, `${file}.png`), png);
        if (isShown) writeFileSync(join(PICTURES, `${file}.webp`), await smallOf(encoder, png));
      }
      await context.close();
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'fsq-shop-'));
rmSync(PICTURES, { recursive: true, force: true });
mkdirSync(PICTURES, { recursive: true });
mkdirSync(join(folder, 'node_modules'));
symlinkSync(ROOT, join(folder, 'node_modules/fsq'));
for (const [name, text] of Object.entries({
  'package.json': '{"name":"shop","type":"module"}',
  'tasks.js': TASKS,
  'fsq.config.mjs': CONFIG,
  'load.js': LOAD,
}))
  writeFileSync(join(folder, name), text);
const worker = spawn(process.execPath, [join(ROOT, 'bin/fsq.js'), 'worker', '-c', '4', '-l', 'error'], {
  cwd: folder,
  stdio: 'ignore',
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
try {
  await once(spawn(process.execPath, ['load.js'], { cwd: folder, stdio: 'inherit' }), 'exit');
  const page = await serve(folder);
  for (
    const end = Date.now() + 60_000;
    (await page.desk.jobs({ states: ['failed'] }, null)).total < 8;
    await sleep(200)
  ) {
    if (Date.now() > end) throw new Error('the shop does not come to its end');
  }
  for (const schedule of ['count-stock', 'weekly-prices', 'count-stock', 'count-stock'])
    await page.desk.act({ kind: 'run-schedule', schedule });
  await take(browser, page, process.argv[2]);
  page.server.close().closeAllConnections();
  await page.desk.close();
} finally {
  await browser.close();
  worker.kill('SIGQUIT'); // The reports would take their time.
  await once(worker, 'exit');
  rmSync(folder, { recursive: true, force: true });
}
