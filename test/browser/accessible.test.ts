/** axe-core on every screen and every dialog, in both themes, on a wide screen and on a narrow one; and nothing is wider than either. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { JobPage } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { assertFits, lacksBrowser, openBrowser, openPage, seen } from './chromium.ts';
import { openDesk, openShop } from './shop.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What it finds, a line for each element. Its rules of "best practice" are among them. */
async function violations(page: Page): Promise<readonly string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE);
  const found = await page.evaluate<readonly Violation[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)}\n   ${node.failureSummary}`),
  );
}

/** Each theme and each width; with BROWSER_LOOKS=all each theme on each width, and a screen between the two. */
const LOOKS: readonly (readonly [theme: 'light' | 'dark', width: number])[] =
  process.env['BROWSER_LOOKS'] === 'all'
    ? (['light', 'dark'] as const).flatMap((theme) => [1280, 720, 360].map((width) => [theme, width] as const))
    : [
        ['light', 360],
        ['dark', 1280],
      ];

test(
  'every screen and dialog is without a fault that axe-core knows, in both themes, wide and narrow',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const shop = await openShop(t);
    const desk = await openDesk(t, shop.project);
    const one = async (query: string): Promise<string> =>
      until(async () => (await desk.ask<JobPage>(`api/jobs?${query}`)).jobs[0]?.id, `there is a job of ${query}`);
    const failed = await one('state=failed&task=mail.send');
    const [ended, running, waiting] = await Promise.all(
      ['state=succeeded&task=stock.sum', 'state=running', 'state=parked'].map(one),
    );
    const dialogs: Readonly<Record<string, (page: Page) => Promise<void>>> = {
      '/': (page) => page.getByRole('button', { name: 'Help and keys' }).click(),
      '/jobs?state=failed': (page) => page.getByRole('button', { name: /^Delete all/ }).click(),
      [`/jobs/${failed}`]: (page) => page.getByRole('button', { name: 'Retry with other arguments…' }).click(),
    };
    const screens = ['/', '/jobs', '/jobs?state=failed', '/jobs?text=nothing', `/jobs/${failed}`, `/jobs/${ended}`, `/jobs/${running}`, `/jobs/${waiting}`]; // prettier-ignore
    const places = [...screens, '/failures', '/schedules', '/workers', '/spool', '/jobs/no-such-job'];
    const { page, complaints } = await openPage(t, browser, desk.url);
    const found: string[] = [];
    for (const [theme, width] of LOOKS) {
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      for (const place of places) {
        const what = `${place} in ${theme} at ${width} px`;
        const look = async (): Promise<void> => {
          await assertFits(page, what).catch((error: unknown) => found.push(String(error)));
          found.push(...(await violations(page)).map((line) => `${what}: ${line}`));
        };
        await page.goto(`${desk.base}#${place}`);
        await seen(page);
        await look();
        const open = dialogs[place];
        if (open === undefined) continue;
        await open(page);
        await page.getByRole('dialog').waitFor();
        await look();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
    }
    assert.equal(found.join('\n'), '');
    assert.deepEqual(complaints(), []);
  },
);
