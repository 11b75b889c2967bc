/** Debian's Chromium, and what must hold for whatever it is shown: no script of others, no complaint, no request to elsewhere. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Route,
} from 'playwright-core';
import { until } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';

/** Why no test runs in a browser here; false: they do. */
export const lacksBrowser: string | false = lacksProgram('chromium');

/** Of files that the gate has no time for: other engines, and other stores. */
export const isGate: string | false =
  process.env['BROWSER_LOOKS'] === 'all' ? false : '`npm run browser` runs it: the gate has to be quick';

/** Each act reaches the server by that much later, and each look by up to it: a test that does not wait for what it means to wait for is seen. */
const SLOW_MS = Number(process.env['BROWSER_SLOW_MS'] ?? 0);

/** A busy machine may need a good part of it. */
const DEADLINE_MS = 30_000;

/** @returns a browser that is closed after the test */
export async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Chromium's sandbox refuses root, as whom these tests run in the gate.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  t.after(() => browser.close());
  return browser;
}

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page must not have done so far: errors and warnings on its console, exceptions, dialogs, requests to other origins. Emptied by reading. */
  complaints(): readonly string[];
}

/** A page of a context of its own, with all that goes wrong in it written down; closed after the test. */
export async function openPage(
  t: TestContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  t.after(() => context.close());
  context.setDefaultTimeout(DEADLINE_MS);
  if (SLOW_MS > 0) await context.route(/\/api\//, holdUp);
  const page = await context.newPage();
  const complaints = watch(page, new URL(url).origin);
  await page.goto(url);
  return { page, context, complaints };
}

async function holdUp(route: Route): Promise<void> {
  await sleep(route.request().method() === 'POST' ? SLOW_MS : Math.random() * SLOW_MS);
  await route.fallback().catch(() => undefined); // The page that has asked may be gone by now.
}

function watch(page: Page, origin: string): () => readonly string[] {
  let said: string[] = [];
  page.on('console', (message) => {
    // Of an answer that refuses something the browser makes a note by itself; the page has told it in its own words.
    if (message.text().startsWith('Failed to load resource') && message.location().url.includes('/api/')) return;
    if (['error', 'warning', 'assert'].includes(message.type())) said.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => said.push(`exception: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) said.push(`request: ${request.url()}`);
  });
  return () => {
    const before = said;
    said = [];
    return before;
  };
}

/** Whether nothing is wider than the screen, so that the page as a whole has no sideways scroll. */
export async function assertFits(page: Page, what: string): Promise<void> {
  const [has, shown] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(has <= shown, `${what} is ${has} px wide on a screen of ${shown} px`);
}

/** When a screen has its heading, and all that it asked the server for. */
export async function seen(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  const isLooking = `document.body.innerText.includes('Looking…') || document.querySelector('[aria-busy=true]') !== null`;
  await until(async () => !(await page.evaluate<boolean>(isLooking)), `${page.url()} shows what it has asked for`);
}

/** From now on a test says how late it is for the page: also for its timers, of which none is left that it has set before. */
export async function takeClock(page: Page): Promise<void> {
  await seen(page); // Its token has left the address, and is lost to a page that is loaded anew before the server has answered it.
  await page.clock.install();
  await page.reload();
  await seen(page);
}

/** Presses keys right after one another, as a hand does: a slow browser may take longer to answer each than the page lets pass between `g` and its second key. */
export async function pressTogether(page: Page, keys: string): Promise<void> {
  await Promise.all(Array.from(keys, (key) => page.keyboard.press(key)));
}

/** All that one sees or hears of the page. */
export function textOf(page: Page): Promise<string> {
  return page.locator('body').innerText();
}
