/** A page of another origin, in the browser of somebody who has fsq's page open: with their cookie it reads nothing, does nothing, shows nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Summary } from '../../src/ui/wire.ts';
import { until } from '../support/conditions.ts';
import { fsq, tempProject } from '../support/project.ts';
import { lacksBrowser, openBrowser, openPage, seen } from './chromium.ts';
import { openDesk, TOKEN } from './shop.ts';

/** Ways in which a page reaches for another origin. Each gives what it got hold of, or null. `BASE` is fsq's page. */
const WAYS: Readonly<Record<string, string>> = {
  'fetch with cors': `fetch(BASE + 'api/summary', { credentials: 'include' }).then((r) => r.text())`,
  'fetch without cors': `fetch(BASE + 'api/summary', { mode: 'no-cors', credentials: 'include' }).then((r) => r.text()).then((text) => text || null)`,
  'fetch the page': `fetch(BASE, { credentials: 'include' }).then((r) => r.text())`,
  'POST as plain text': `fetch(BASE + 'api/act', { method: 'POST', mode: 'no-cors', credentials: 'include', body: ACT }).then(() => null)`,
  'POST as JSON': `fetch(BASE + 'api/act', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: ACT }).then((r) => r.text())`,
  'a beacon': `Promise.resolve(navigator.sendBeacon(BASE + 'api/act', new Blob([ACT], { type: 'text/plain' })) && null)`,
  'login by force': `fetch(BASE + 'api/login', { method: 'POST', mode: 'no-cors', credentials: 'include', body: JSON.stringify({ token: 'guess' }) }).then(() => null)`,
  'a form': `new Promise((resolve) => {
    document.body.insertAdjacentHTML('beforeend', '<iframe name="into"></iframe><form method="post" enctype="text/plain" target="into"><input></form>');
    const form = document.querySelector('form');
    form.action = BASE + 'api/act';
    form.elements[0].name = ACT.slice(0, -1) + ',"x":"';
    form.elements[0].value = '"}';
    document.querySelector('iframe').onload = () => resolve(null);
    form.submit();
  })`,
  'an image': `element('img', 'api/summary')`,
  'a script': `element('script', 'api/summary')`,
  "the page's script": `element('script', 'page.js')`,
  "the page's style": `element('link', 'page.css', { rel: 'stylesheet' })`,
  'an event stream': `new Promise((resolve) => {
    const stream = new EventSource(BASE + 'api/events', { withCredentials: true });
    stream.addEventListener('summary', (event) => resolve(event.data));
    stream.onopen = () => resolve('open');
    stream.onerror = () => resolve(null);
  })`,
  'a web socket': `new Promise((resolve) => {
    const socket = new WebSocket(BASE.replace('http', 'ws') + 'api/events');
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve(null);
  })`,
  'a frame': `new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.src = BASE;
    frame.onload = () => { try { resolve(frame.contentDocument.body.innerText); } catch { resolve(null); } };
    document.body.append(frame);
  })`,
  'a window': `new Promise((resolve) => {
    addEventListener('message', (event) => event.origin === new URL(BASE).origin && resolve(event.data));
    const other = open(BASE);
    setTimeout(() => {
      try { other.postMessage({ kind: 'act', act: JSON.parse(ACT) }, '*'); resolve(other.document.body.innerText); }
      catch { resolve(null); }
    }, 1_000);
  })`,
};

const ATTACK = `
  const element = (name, path, more = {}) => new Promise((resolve) => {
    const one = Object.assign(document.createElement(name), { onload: () => resolve('loaded'), onerror: () => resolve(null) }, more);
    one[name === 'link' ? 'href' : 'src'] = BASE + path;
    document.body.append(one);
  });`;

interface Other {
  readonly url: string;
  /** All that browsers have sent it. */
  readonly cookies: readonly string[];
}

async function openOther(t: TestContext): Promise<Other> {
  const cookies: string[] = [];
  const server = createServer(({ headers }, response) => {
    if (headers.cookie !== undefined) cookies.push(headers.cookie);
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title><body>evil</body>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo; // eslint-disable-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return { url: `http://127.0.0.1:${port}/`, cookies };
}

test(
  'a page of another port, or of another name, gets nothing and does nothing with the cookie',
  { skip: lacksBrowser },
  async (t) => {
    const browser = await openBrowser(t);
    const project = tempProject(t, {});
    assert.equal((await fsq(project, ['call', 'secret.task', '"the secret"'])).code, 0);
    const desk = await openDesk(t, project);
    const { page, context } = await openPage(t, browser, desk.url);
    await seen(page);
    assert.equal((await context.cookies()).length, 1, 'the cookie is there');
    const { url: other, cookies } = await openOther(t);
    const act = JSON.stringify({ kind: 'pause', queue: 'default' });
    for (const from of [other, other.replace('127.0.0.1', 'localhost')]) {
      const evil = await context.newPage();
      await evil.goto(from);
      for (const [name, way] of Object.entries(WAYS)) {
        const got = await evil.evaluate<unknown>(
          `(async () => { const [BASE, ACT] = [${JSON.stringify(desk.base)}, ${JSON.stringify(act)}]; ${ATTACK} return (${way}); })().catch(() => null)`,
        );
        assert.equal(got, null, `${name} from ${from} got ${JSON.stringify(got)}`);
      }
      await evil.evaluate(`Promise.all(['', 'api/summary', 'door/', 'door/x/api/summary'].map((path) => fetch(path)))`);
      await evil.close();
    }
    assert.deepEqual(cookies, [], 'the browser has sent another port the cookie');
    const summary = await desk.ask<Summary>('api/summary');
    assert.deepEqual(summary.queues.map(({ name, isPaused }) => [name, isPaused]), [['default', false]]); // prettier-ignore
    assert.equal(summary.counts.pending, 1);
    await until(async () => (await page.locator('.connection').innerText()) === 'live', "the user's own page is live");
  },
);

test('raw requests: whatever they claim, without the token, or under a foreign name, they get nothing', async (t) => {
  const project = tempProject(t, {});
  assert.equal((await fsq(project, ['call', 'secret.task'])).code, 0);
  const desk = await openDesk(t, project);
  const { host, port } = new URL(desk.base);
  const own = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const { request } = await import('node:http');
  const ask = (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body = '',
  ): Promise<readonly [number, string]> =>
    new Promise((resolve, reject) => {
      // A connection for each: the body of a DELETE has no length, and what comes behind it on one connection is refused with it.
      request({ host: '127.0.0.1', port, method, path, agent: false, headers: { host, ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += String(part)));
        response.on('end', () => resolve([response.statusCode ?? 0, text]));
      })
        .on('error', reject)
        .end(body);
    });
  const act = '{"kind":"pause","queue":"default"}';
  const foreign = ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'localhost.', '0.0.0.0', '127.1', '[::]', 'localhost@evil.example']; // prettier-ignore
  const cases: readonly (readonly [string, string, Readonly<Record<string, string>>, string?])[] = [
    ...foreign.flatMap((name) => [['GET', '/api/summary', { ...own, host: name }] as const, ['GET', '/', { host: name }] as const, ['POST', '/api/act', { ...own, host: name }, act] as const]), // prettier-ignore
    ...['', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer', `Basic ${TOKEN}`].map((authorization) => ['GET', '/api/summary', { authorization }] as const), // prettier-ignore
    ...['none', 'cross-site', 'same-site', 'SAME-ORIGIN', ''].map((site) => ['POST', '/api/act', { ...own, 'sec-fetch-site': site, origin: 'http://evil.example' }, act] as const), // prettier-ignore
    ...['null', 'http://evil.example', `http://${host}.evil.example`, `http://127.0.0.1:1`].map((origin) => ['POST', '/api/act', { ...own, origin }, act] as const), // prettier-ignore
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', ''].map((type) => ['POST', '/api/act', { ...own, 'content-type': type }, act] as const), // prettier-ignore
    ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'].map((method) => [method, '/api/act', own, act] as const),
    ...['/../../etc/passwd', '/%2e%2e/package.json', '/page.js/../../package.json', '/api/../package.json', '//evil.example/', '/api/jobs/..%2f..%2fetc%2fpasswd'].map((path) => ['GET', path, own] as const), // prettier-ignore
    ...['{', '[]', 'null', '"x"', '{"kind":"pause"}', '{"kind":"pause","queue":"../x"}', '{"kind":"forget","query":{},"count":9}', '{"kind":"format"}', '{"__proto__":{"kind":"pause","queue":"default"}}'].map((body) => ['POST', '/api/act', own, body] as const), // prettier-ignore
    ['GET', '/api/act?kind=pause&queue=default', own],
    ['GET', `/api/summary?token=${TOKEN}`, {}],
    ['GET', '/api/summary', { cookie: `fsq=${TOKEN}; token=${TOKEN}` }],
  ];
  for (const [method, path, headers, body] of cases) {
    const [status, text] = await ask(method, path, headers, body);
    const what = `${method} ${path} with ${JSON.stringify(headers)} and ${body ?? 'no body'}`;
    // An act that is understood and not carried out is answered as such.
    const isRefused = (status >= 400 && status < 500) || JSON.parse(text).isGood === false;
    assert.ok(isRefused, `${what}: ${status} ${text}`);
    assert.doesNotMatch(text, /secret|root:/, what);
  }
  const { queues, counts } = await desk.ask<Summary>('api/summary');
  assert.deepEqual([queues.map(({ isPaused }) => isPaused), counts.pending], [[false], 1]);
});
