/** The page in the servers of others, as docs/ui.md mounts it: with their routers, their readers of bodies and their logins. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, IncomingMessage, request as httpRequest, type Server } from 'node:http';
import { connect, createServer as createHttp2 } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import express, { type Request as ExpressRequest } from 'express';
import fastify from 'fastify';
import { createApp } from '../../src/app/app.ts';
import { createUi, type Ui, type UiOptions, type UiRequest } from '../../src/ui/ui.ts';
import { until } from '../support/conditions.ts';
import { tempDir } from '../support/temp.ts';

/** Its declarations need those of a browser. */
const require = createRequire(import.meta.url);

interface Mounted {
  /** Where the page lies, with a slash at its end. */
  readonly url: string;
  readonly spool: string;
}

type Mount = (t: TestContext, ui: (options?: Partial<UiOptions>) => Ui) => Promise<string>;

/** What a login of the program has found out, as these servers hand it over. */
interface Known extends UiRequest {
  readonly user?: { readonly isAdmin: boolean };
}

const userOf = (headers: UiRequest['headers']): { readonly isAdmin: boolean } => ({
  isAdmin: headers['x-user'] === 'admin',
});

async function mounted(t: TestContext, mount: Mount): Promise<Mounted> {
  const spool = join(tempDir(t), 'spool');
  const app = createApp({ spool });
  const id = await app.task('add', () => 1).delay();
  await id.revoke();
  const ui = (options: Partial<UiOptions> = {}): Ui => {
    const authorize = (request: Known): boolean => request.user?.isAdmin === true;
    const made = createUi<Known>({ app, ...options, authorize });
    t.after(() => made.close());
    return made;
  };
  return { url: await mount(t, ui), spool };
}

async function listening(t: TestContext, server: Server, path: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

/** @param readers read bodies before the page */
const byExpress =
  (...readers: ReturnType<typeof express.json>[]): Mount =>
  (t, ui) => {
    const app = express();
    app.use((request: ExpressRequest, _response, next) => {
      Object.assign(request, { user: userOf(request.headers) });
      next();
    });
    if (readers.length > 0) app.use(...readers);
    app.use('/admin', express.Router().use('/queue', ui()));
    return listening(t, createServer(app), '/admin/queue/');
  };

const byFastify: Mount = async (t, ui) => {
  const app = fastify();
  const page = ui({ basePath: '/queue' });
  app.all('/queue*', {
    onRequest: (request, reply) => {
      reply.hijack();
      page(Object.assign(request.raw, { user: userOf(request.headers) }), reply.raw);
    },
    handler: () => undefined,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => {
    app.server.closeAllConnections();
    return app.close();
  });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/queue/`;
};

const byHono: Mount = async (t, ui) => {
  const { Hono } = require('hono');
  const { serve } = require('@hono/node-server');
  const { RESPONSE_ALREADY_SENT } = require('@hono/node-server/utils/response');
  const app = new Hono();
  const page = ui({ basePath: '/queue' });
  app.all('/queue/*', (c: { readonly env: { incoming: UiRequest; outgoing: Parameters<Ui>[1] } }) => {
    const { incoming, outgoing } = c.env;
    page(Object.assign(incoming, { user: userOf(incoming.headers) }), outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  return new Promise((resolve) => {
    const where = { fetch: app.fetch, hostname: '127.0.0.1', port: 0 };
    const server: Server = serve(where, ({ port }: AddressInfo) => resolve(`http://127.0.0.1:${port}/queue/`));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
  });
};

/** By a proxy: one that takes the prefix away, or one that leaves it. */
const byProxy =
  (strips: boolean): Mount =>
  async (t, ui) => {
    const page = ui(strips ? {} : { basePath: '/queue' });
    const inner = createServer((request, response) =>
      page(Object.assign(request, { user: userOf(request.headers) }), response),
    );
    const port = Number(new URL(await listening(t, inner, '/')).port);
    const outer = createServer((request, response) => {
      const { method, headers, url = '' } = request;
      const path = strips ? url.replace(/^\/queue(?=\/)/, '') : url;
      const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (got) => {
        response.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(response);
      });
      asked.on('error', () => response.destroy());
      response.on('close', () => asked.destroy());
      request.pipe(asked);
    });
    return listening(t, outer, '/queue/');
  };

const MOUNTS: Readonly<Record<string, Mount>> = {
  Express: byExpress(),
  'Express, after express.json()': byExpress(express.json()),
  'Express, after express.text()': byExpress(express.text({ type: '*/*' })),
  'Express, after express.raw()': byExpress(express.raw({ type: '*/*' })),
  Fastify: byFastify,
  'Hono on Node.js': byHono,
  'a proxy that takes the prefix away': byProxy(true),
  'a proxy that leaves the prefix': byProxy(false),
};

const ADMIN = { 'x-user': 'admin' };
const POST = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

for (const [name, mount] of Object.entries(MOUNTS))
  test(`${name}: the page, its files, its stream and its acts are there, for whom the login knows`, async (t) => {
    const { url, spool } = await mounted(t, mount);
    const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(url + path, { redirect: 'manual', ...init, headers: { ...ADMIN, ...init.headers } });
    const act = (body: string): Promise<Response> => ask('api/act', { method: 'POST', body, headers: POST });

    assert.match(await (await ask('')).text(), /^<!doctype html>/);
    for (const file of ['page.js', 'page.css', 'healthz', 'api/session', 'api/summary'])
      assert.equal((await ask(file)).status, 200, file);
    assert.match(await (await ask('api/jobs?state=revoked')).text(), /"total":1,/);
    assert.equal((await ask('api/summary', { headers: { 'x-user': 'nobody' } })).status, 401);
    assert.deepEqual(await (await act('{"kind":"pause","queue":"mail"}')).json(), {
      text: 'Queue mail paused.',
      isGood: true,
      code: null,
    });
    assert.ok(existsSync(spool));
    assert.equal((await act('{"kind":')).status, 400);
    const stream = (await ask('api/events')).body?.getReader();
    let text = '';
    await until(async () => {
      text += Buffer.from((await stream?.read())?.value ?? []).toString();
      return text.includes('event: summary');
    }, 'the stream begins');
    await stream?.cancel();
    if (!name.includes('takes the prefix away')) {
      const bare = await ask(`../${url.split('/').at(-2)}?x=/y/`);
      assert.deepEqual([bare.status, bare.headers.get('location')], [308, './queue/']);
    }
  });

test('with a base path in Express it leaves all other requests to the program, whatever their name', async (t) => {
  const { url } = await mounted(t, async (_, ui) => {
    const program = express()
      .use((request, _response, next) => next(void Object.assign(request, { user: userOf(request.headers) })))
      .use(ui({ basePath: '/queue' }))
      .use((_request, response) => void response.send("the program's own"));
    return listening(t, createServer(program), '/');
  });
  const textOf = async (path: string, headers: Readonly<Record<string, string>> = ADMIN): Promise<string> =>
    (await fetch(url + path, { headers })).text();

  for (const path of ['', 'page.js', 'healthz', 'api/summary', 'queues/', '?x=/queue/'])
    assert.equal(await textOf(path), "the program's own", path);
  assert.match(await textOf('queue/'), /^<!doctype html>/);
  assert.match(await textOf('queue/api/summary'), /"trouble":null/);
  const foreign = httpRequest(url, { headers: { host: 'shop.example.com' } }).end();
  const [reply]: unknown[] = await once(foreign, 'response');
  assert.equal(reply instanceof IncomingMessage && reply.resume().statusCode, 200);
});

for (const strips of [true, false])
  test(`behind a proxy that ${strips ? 'takes the prefix away' : 'leaves the prefix'}, the token is changed for what counts there alone`, async (t) => {
    const token = 'a-token-of-this-test';
    const app = createApp({ spool: join(tempDir(t), 'spool') });
    await (await app.task('add', () => 1).delay()).revoke();
    const page = createUi({ app, token, basePath: strips ? '' : '/queue' });
    t.after(() => page.close());
    const url = await byProxy(strips)(t, () => page);
    const body = JSON.stringify({ token, path: new URL(url).pathname });

    const reply = await fetch(`${url}api/login`, { method: 'POST', headers: POST, body });

    const { door } = JSON.parse(await reply.text());
    const [own = '', path = ''] = (reply.headers.get('set-cookie') ?? '').split('; ');
    assert.equal(path, `Path=/queue/door/${door}/`);
    const statusAt = async (at: string, cookie: string): Promise<number> =>
      (await fetch(url + at, { headers: { cookie } })).status;
    assert.equal(await statusAt(`door/${door}/api/summary`, own), 200);
    assert.equal(await statusAt(`door/${door}/api/summary`, ''), 401);
    assert.equal(await statusAt('api/summary', own), 401);
  });

test('over HTTP/2 it is there as well, without a warning of Node.js', async (t) => {
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const { url } = await mounted(t, async (_, ui) => {
    const page = ui();
    const server = createHttp2((request, response) =>
      page(Object.assign(request, { user: userOf(request.headers) }), response),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  const client = connect(url);
  t.after(() => client.destroy());
  const statusOf = (headers: Readonly<Record<string, string>>, body = ''): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = client.request({ ...ADMIN, ...headers }, { endStream: body === '' });
      asked.on('response', (got) => resolve(Number(got[':status']))).on('error', reject);
      if (body !== '') asked.end(body);
    });

  assert.equal(await statusOf({ ':path': '/api/summary' }), 200);
  assert.equal(await statusOf({ ':path': '/api/summary', ':authority': 'evil.example' }), 403);
  const act = { ':path': '/api/act', ':method': 'POST', ...POST };
  assert.equal(await statusOf(act, '{"kind":"resume","queue":"mail"}'), 200);
  assert.equal(await statusOf(act, '{"kind"'), 400);
  assert.doesNotMatch(warnings.join(), /header/);
});

test('a body that the server has read and not handed over is told, with what to do', async (t) => {
  const { url } = await mounted(t, (_, ui) => {
    const page = ui();
    const server = createServer(async (request, response) => {
      await request.toArray(); // As Fastify does before a handler.
      page(Object.assign(request, { user: userOf(request.headers) }), response);
    });
    return listening(t, server, '/');
  });
  const init = { method: 'POST', body: '{"kind":"pause","queue":"mail"}', headers: { ...ADMIN, ...POST } };

  const reply = await fetch(`${url}api/act`, init);

  assert.equal(reply.status, 400);
  assert.match(await reply.text(), /was read before the page got it[^]*docs\/ui\.md/);
});

test('a login that fails lets nobody in: the program hears why, and who asks does not', async (t) => {
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const fails = [
    () => {
      throw new Error('the password of the database is 1234');
    },
    () => Promise.reject(new Error('the password of the database is 1234')),
  ];
  for (const authorize of fails) {
    const ui = createUi({ app: createApp({ spool: join(tempDir(t), 'spool') }), authorize });
    t.after(() => ui.close());
    const reply = await fetch(`${await listening(t, createServer(ui), '/')}api/summary`);
    assert.equal(reply.status, 503);
    assert.doesNotMatch(await reply.text(), /1234/);
  }
  const odd: unknown = { authorize: () => 1, app: createApp({ spool: join(tempDir(t), 'spool') }) };
  const ui = createUi(odd as UiOptions);
  t.after(() => ui.close());
  assert.equal((await fetch(`${await listening(t, createServer(ui), '/')}api/summary`)).status, 401);

  await until(() => warnings.length >= 2, 'the program hears of both');
  assert.match(warnings.join('\n'), /`authorize` of the page failed.*1234\nExpected `authorize`.*true or false, got 1/);
});
