/** The page in WebKit, the engine of Safari: Debian's MiniBrowser, driven by WebDriver, on a screen that nobody sees. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import type { JobPage, StateName, Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { tempDir } from '../support/temp-dir.ts';
import { isGate } from './chromium.ts';
import { openDesk, openShop } from './shop.ts';

const BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const lacksWebKit =
  lacksProgram('WebKitWebDriver') || lacksProgram('Xvfb') || (existsSync(BROWSER) ? false : `${BROWSER} is not there`);

interface WebKit {
  /** A command of WebDriver, below the session (W3C, "WebDriver"). */
  send(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
}

/** A browser that ends after the test. */
async function openWebKit(t: TestContext): Promise<WebKit> {
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let [driver, session]: [ReturnType<typeof spawn> | null, string | null] = [null, null];
  t.after(async () => {
    if (session !== null) await ask('DELETE', session).catch(() => undefined); // The browser ends with its driver.
    if (driver !== null) await ended(driver);
    await ended(screen);
  });
  const display = String((await once(screen.stdio[3] ?? assert.fail(), 'data'))[0]).trim();
  const port = await freePort();
  const env = {
    ...process.env,
    HOME: tempDir(t),
    DISPLAY: `:${display}`,
    // Its sandbox refuses root.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  };
  driver = spawn('WebKitWebDriver', [`--port=${port}`], { env, stdio: 'ignore' });
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const { value } = (await (await fetch(`http://127.0.0.1:${port}${path}`, init)).json()) as { value: unknown };
    const error: unknown = Object(value)['error'];
    if (error !== undefined) throw new Error(`WebDriver: ${JSON.stringify(value)}`);
    return value;
  };
  await until(() => ask('GET', '/status').catch(() => null), 'the driver answers');
  const options = { binary: BROWSER, args: ['--automation'] };
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
  const { sessionId } = (await ask('POST', '/session', { capabilities })) as { sessionId: string };
  session = `/session/${sessionId}`;
  const send: WebKit['send'] = (method, path, body) => ask(method, `/session/${sessionId}${path}`, body);
  const evaluate = async <T>(expression: string): Promise<T> =>
    (await send('POST', '/execute/sync', { script: `return ${expression};`, args: [] })) as T;
  return { send, evaluate };
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : assert.fail();
}

/** Writes down what is wrong from now on: WebDriver tells nothing of the console. */
const LISTEN = `(() => {
  globalThis.wrong = [];
  const note = (event) => globalThis.wrong.push(event.message ?? String(event.reason ?? event.violatedDirective));
  for (const name of ['error', 'unhandledrejection', 'securitypolicyviolation']) addEventListener(name, note);
  for (const name of ['error', 'warn']) console[name] = (...words) => globalThis.wrong.push(words.join(' '));
})()`;

test('the screens and acts in WebKit', { skip: isGate || lacksWebKit }, async (t) => {
  const shop = await openShop(t);
  const desk = await openDesk(t, shop.project);
  const page = await openWebKit(t);
  const says = (text: string): Promise<unknown> =>
    until(async () => (await page.evaluate<string>('document.body.innerText')).includes(text), `it says ${text}`);
  const go = (place: string): Promise<unknown> => page.evaluate(`location.hash = ${JSON.stringify(`#${place}`)}`);
  let problem = '';
  /** Clicks as a person does: on what can be seen, as soon as it can. */
  const click = async (selector: string): Promise<void> => {
    const tried = async (): Promise<boolean> => {
      const element = await page.send('POST', '/element', { using: 'css selector', value: selector });
      await page.send('POST', `/element/${String(Object.values(Object(element))[0])}/click`, {});
      return true;
    };
    await until(
      () => tried().catch((error: unknown) => ((problem = String(error)), false)),
      `${selector} can be clicked: ${problem}`,
    );
  };
  const oneOf = (query: string): Promise<string> =>
    until(async () => (await desk.ask<JobPage>(`api/jobs?${query}`)).jobs[0]?.id, `there is a job of ${query}`);
  const stateOf = async (id: string): Promise<StateName> => (await desk.ask<{ state: StateName }>(`api/jobs/${id}`)).state; // prettier-ignore

  await page.send('POST', '/url', { url: desk.url });
  await says('Overview');
  await page.evaluate(LISTEN);
  await says('live');
  assert.equal(await page.evaluate('location.hash'), '#/', 'the token stays in the address');
  assert.equal(await page.evaluate('document.cookie'), '', 'a script can read the cookie');
  // A driver tells the cookies of the path where it is: this one is of the door alone.
  const door = await page.evaluate("Object.entries(localStorage).find(([key]) => key.startsWith('fsq door'))[1]");
  await page.send('POST', '/url', { url: `${desk.base}door/${String(door)}/api/session` });
  const cookies = (await page.send('GET', '/cookie')) as readonly { httpOnly: boolean; sameSite?: string }[];
  assert.deepEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, 'Strict']]); // prettier-ignore
  await page.send('POST', '/url', { url: desk.base });
  await says('Overview');
  await page.evaluate(LISTEN);

  const failed = await oneOf('state=failed&task=mail.send');
  const running = await oneOf('state=running');
  for (const [place, ...texts] of [
    ['/jobs', 'image.resize'],
    [`/jobs/${failed}`, '452 over quota'],
    ['/failures', 'is declined'],
    ['/schedules', 'tidy-up'],
    ['/workers', 'supervisor'],
    ['/spool', 'pending'],
    ['/', 'Retry all'],
  ] as const) {
    await go(place);
    for (const text of texts) await says(text);
  }

  await go('/jobs?text=photos/webkit');
  await says('0 jobs');
  await shop.send(`import { resize } from './tasks.js'; await resize.delay('photos/webkit.jpg', 1);`);
  await says('1 job');
  await go(`/jobs/${running}`);
  await says('of 4,000');
  await click('.job-head button.danger');
  await click('dialog button[type=submit]');
  await until(async () => (await stateOf(running)) === 'revoked', 'it is killed');
  await go('/');
  await click('button[aria-label="Resume queue bulk"]');
  await until(async () => (await desk.ask<Summary>('api/summary')).queues.every(({ isPaused }) => !isPaused), 'bulk goes on'); // prettier-ignore
  const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await ground();
  await click('button[aria-label^="Theme: "]');
  await click('button[aria-label^="Theme: "]');
  assert.notEqual(await ground(), light);
  assert.deepEqual(await page.evaluate('wrong'), []);
  await page.send('POST', '/refresh', {});
  await says('live');
  assert.notEqual(await ground(), light, 'the theme is forgotten');
});
