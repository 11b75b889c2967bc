/** The page on BullMQ in a browser: jobs of fsq and of other programs, what is done to them, and a server that goes and comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowProducer, Queue } from 'bullmq';
import type { JobDetail, JobPage, ScheduleRow } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { HOST } from '../support/own-server.ts';
import { lacksRedis, ownRedisServer } from '../support/redis-server.ts';
import { assertFits, isGate, lacksBrowser, openBrowser, openPage, seen, textOf } from './chromium.ts';
import { openDesk, openShop } from './shop.ts';

/** Ids that no job of fsq has. */
const [CHOSEN, STRANGE] = ['user-42', "it's 50 % / <b>"] as const;

/** As a program adds them that knows BullMQ alone. */
async function addJobs(port: number): Promise<string> {
  const plain = { connection: { host: HOST, port }, prefix: 'shop' };
  const [queue, flows] = [new Queue('default', plain), new FlowProducer(plain)];
  try {
    await queue.add('mail.send', 'bob@plain', { jobId: CHOSEN });
    await queue.add('stock.count', { args: [7] }, { jobId: STRANGE });
    await queue.add('nobody.knows', { shelf: 9 });
    const child = { name: 'nobody.knows', queueName: 'default', data: {} };
    const { job } = await flows.add({ name: 'stock.sum', queueName: 'default', data: {}, children: [child] });
    return job.id ?? '';
  } finally {
    await Promise.all([queue.close(), flows.close()]);
  }
}

test('the page on a Redis', { skip: isGate || lacksBrowser || lacksRedis }, async (t) => {
  const browser = await openBrowser(t);
  const server = await ownRedisServer({ isDurable: true });
  t.after(() => server.stop());
  const shop = await openShop(t, server.url('shop'));
  const parent = await addJobs(server.port);
  const desk = await openDesk(t, shop.project);
  const { page, complaints } = await openPage(t, browser, desk.url);
  const go = async (place: string): Promise<void> => {
    await page.goto(`${desk.base}#${place}`);
    await seen(page);
  };
  const stateOf = async (id: string): Promise<string> =>
    (await desk.ask<JobDetail>(`api/jobs/${encodeURIComponent(id)}`)).state;
  const oneOf = (query: string): Promise<string> =>
    until(async () => (await desk.ask<JobPage>(`api/jobs?${query}`)).jobs[0]?.id, `there is a job of ${query}`);
  const confirm = async (button: string): Promise<void> => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('dialog').locator('button[type=submit]').click();
  };

  await t.test('every screen says what is there, and fits', async () => {
    await oneOf('state=parked&task=nobody.knows');
    for (const [place, ...wanted] of [
      ['/', 'Retry all', 'bulk', 'paused', 'p99'],
      ['/jobs', 'image.resize', CHOSEN, STRANGE],
      ['/jobs?state=parked', 'nobody.knows', 'legacy.export'],
      [`/jobs/${await oneOf('task=stock.sum&state=succeeded')}`, 'Goes together', 'stock.count'],
      [`/jobs/${parent}`, 'children in a flow of BullMQ'],
      ['/failures', 'card.charge', 'is declined', 'mail.send'],
      ['/schedules', 'tidy-up', 'Europe/Berlin'],
      ['/workers', 'supervisor', 'report.monthly'],
      ['/spool', 'BullMQ', 'prefix=shop', '<queue>:completed'],
    ] as const) {
      await go(place);
      for (const text of wanted) await until(async () => (await textOf(page)).includes(text), `${place} says ${text}`);
      await assertFits(page, place);
    }
    assert.deepEqual(complaints(), []);
  });

  await t.test('jobs of other programs are opened, retried and deleted under ids of their own', async () => {
    await until(async () => (await stateOf(CHOSEN)) === 'failed', 'it has failed');
    await go('/jobs?state=failed&text=user-');
    await page.locator('tbody a').first().click();
    await page.getByText('452 over quota').first().waitFor();
    await page.getByText(`fsq show ${CHOSEN}`, { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByText('1 job sent back').waitFor();
    await until(async () => (await desk.ask<JobDetail>(`api/jobs/${CHOSEN}`)).attempts.length === 4, 'it ran again');
    await go(`/jobs/${encodeURIComponent(STRANGE)}`);
    await page.locator('.job-head .state.succeeded').waitFor();
    await page.getByText("fsq show 'it'\\''s 50 % / <b>'", { exact: true }).waitFor();
    await confirm('Delete');
    await until(async () => (await desk.ask<JobPage>('api/jobs?text=it')).jobs.length === 0, 'it is gone');
    complaints();
  });

  await t.test('a job that runs is killed, a queue goes on, a schedule runs now', async () => {
    const id = await oneOf('state=running&task=report.monthly');
    await go(`/jobs/${id}`);
    await confirm('Kill');
    await until(async () => (await stateOf(id)) === 'revoked', 'it is killed');
    await go('/');
    await page.getByRole('button', { name: 'Resume queue bulk' }).click();
    await until(
      async () => (await desk.ask<JobPage>('api/jobs?queue=bulk&state=succeeded')).total === 30,
      'all of bulk has run',
    );
    await go('/schedules');
    await page.getByRole('button', { name: 'Run now: tidy-up' }).click();
    await page.getByRole('link', { name: 'Open the new job' }).click();
    await page.locator('.job-head .state.succeeded').waitFor();
    await until(
      async () => (await desk.ask<readonly ScheduleRow[]>('api/schedules')).some(({ runs }) => runs.length > 0),
      'it is its latest run',
    );
    assert.deepEqual(complaints(), []);
  });

  await t.test('the server is stopped, and started again', async () => {
    await go('/jobs?queue=bulk');
    await page.getByRole('heading', { name: '30 jobs' }).waitFor();
    await server.stop();
    await page.locator('.verdict.trouble').waitFor();
    await server.restart();
    await page.locator('.verdict.trouble').waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: '30 jobs' }).waitFor();
    await shop.send(`import { resize } from './tasks.js'; await resize.applyAsync(['x', 1], { queue: 'bulk' });`);
    await page.getByRole('heading', { name: '31 jobs' }).waitFor();
    assert.deepEqual(complaints(), []);
  });
});
