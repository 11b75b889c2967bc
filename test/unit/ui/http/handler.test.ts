/** What the page's server answers, over real connections, with a desk that knows little. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { SpoolError } from '../../../../src/job/errors.ts';
import { type Handler, handlerOf } from '../../../../src/ui/http/handler.ts';
import { OWN_HOSTS } from '../../../../src/ui/http/guard.ts';
import { Session } from '../../../../src/ui/http/session.ts';
import { until } from '../../../support/conditions.ts';
import { FakeDesk } from '../../../support/fake-desk.ts';

const TOKEN = 'a-token-of-this-test';
const ID = '0199f3c2-8d1e-7000-8d20-0102030405aa';
interface Served {
  readonly desk: FakeDesk;
  readonly port: number;
  readonly session: Session;
  readonly handler: Handler;
}

interface Options {
  readonly isReadOnly?: boolean;
  readonly basePath?: string;
  /** As Express does with `app.use(mount, …)`. */
  readonly mount?: string;
}

async function serve(t: TestContext, { isReadOnly = false, basePath = '', mount = '' }: Options = {}): Promise<Served> {
  const desk = new FakeDesk();
  const session = new Session(TOKEN);
  const handler = handlerOf({
    desk,
    basePath,
    facts: async () => ({
      version: '1',
      place: '/spool',
      placeOption: ' --spool /spool',
      isReadOnly,
      hidesArguments: false,
    }),
    access: {
      hosts: new Set(OWN_HOSTS),
      isKnown: ({ headers }, door) => session.knows(headers, door),
      login: (token, path, isEncrypted) =>
        session.isToken(token) ? { cookie: session.cookie(path, isEncrypted), door: session.door } : null,
    },
  });
  const server = createServer((request, response) => {
    if (mount === '') return handler(request, response);
    const { url = '' } = request;
    Object.assign(request, { originalUrl: url, url: url.slice(mount.length) || '/' });
    return handler(request, response, () => response.writeHead(418).end('next'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    handler.close();
    server.closeAllConnections();
    server.close();
  });
  return { desk, session, handler, port: (server.address() as AddressInfo).port };
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const OWN = { authorization: `Bearer ${TOKEN}` };
const POST = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

/** As a program that is no browser may ask: with any header. */
function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string | Buffer,
  method = body === undefined ? 'GET' : 'POST',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ port, host: '127.0.0.1', path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += String(part)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on('error', reject).end(body);
  });
}

test('without the token nothing is told, and with it everything is', async (t) => {
  const { port } = await serve(t);

  for (const path of [
    '/api/session',
    '/api/summary',
    '/api/jobs',
    `/api/jobs/${ID}`,
    `/api/jobs/${ID}/log`,
    '/api/failures',
    '/api/schedules',
    '/api/store',
    '/api/events',
    '/api/act',
    '/api/nothing',
  ]) {
    const [bare, wrong] = [await ask(port, path), await ask(port, path, { authorization: 'Bearer wrong' })];
    assert.deepEqual([bare.status, wrong.status], [401, 401], path);
    assert.match(JSON.parse(bare.text).text, /^Expected the token of this page/);
  }
  for (const path of ['/api/session', '/api/summary', '/api/jobs?state=failed', '/api/failures', '/api/store'])
    assert.equal((await ask(port, path, OWN)).status, 200, path);
  assert.equal((await ask(port, `/api/jobs/${ID}`, OWN)).status, 404);
  assert.equal((await ask(port, '/api/nothing', OWN)).status, 404);
  assert.equal((await ask(port, '/healthz')).text, 'ok\n');
});

test('a browser changes the token for a cookie, which no script can read', async (t) => {
  const { port } = await serve(t);
  const wrong = await ask(port, '/api/login', POST, '{"token":"wrong"}');
  const right = await ask(port, '/api/login', POST, JSON.stringify({ token: TOKEN }));
  const [set = ''] = right.headers['set-cookie'] ?? [];
  const cookie = set.split(';', 1)[0] ?? '';

  assert.deepEqual([wrong.status, wrong.headers['set-cookie']], [401, undefined]);
  assert.equal(right.status, 200);
  const { door } = JSON.parse(right.text);
  assert.match(set, /; Path=\/door\/[\w-]{32}\/; HttpOnly; SameSite=Strict$/);
  assert.ok(set.includes(`; Path=/door/${door}/;`), set);
  assert.ok(!set.includes(TOKEN) && !right.text.includes(TOKEN), 'the token is told');
  assert.equal((await ask(port, `/door/${door}/api/summary`, { cookie })).status, 200);
  for (const [path, own] of [
    [`/door/${door}/api/summary`, `${cookie}x`],
    [`/door/${door}/api/summary`, ''],
    [`/door/${door}x/api/summary`, cookie],
    ['/door/-/api/summary', cookie],
    ['/api/summary', cookie],
  ])
    assert.equal((await ask(port, String(path), { cookie: String(own) })).status, 401, path);
  for (const body of ['{"token":', '[]', 'null', '{"token":{"length":20}}', ''])
    assert.ok([400, 401].includes((await ask(port, '/api/login', POST, body)).status), body);
});

test('the cookie is for the path of the page as the browser has it, which a proxy may have shortened', async (t) => {
  const { port } = await serve(t);
  const pathFor = async (path: unknown): Promise<string> => {
    const reply = await ask(port, '/api/login', POST, JSON.stringify({ token: TOKEN, path }));
    return /; Path=([^;]*)door\//.exec(String(reply.headers['set-cookie']))?.[1] ?? '';
  };

  assert.equal(await pathFor('/admin/queue/'), '/admin/queue/');
  for (const wrong of ['/a;Domain=example.com/', 'https://evil.example/', '/a', '//', '/\r\nx/', 7, null])
    assert.equal(await pathFor(wrong), '/', String(wrong));
});

test('the cookie alone makes no other origin an owner', async (t) => {
  const { port, desk, session } = await serve(t);
  const behind = `/door/${session.door}`;
  const cookie = session.cookie('/', false).split(';', 1)[0] ?? '';
  const body = JSON.stringify({ kind: 'forget', ids: [ID] });
  const post = (headers: Readonly<Record<string, string>>): Promise<Reply> =>
    ask(port, `${behind}/api/act`, { 'content-type': 'application/json', cookie, ...headers }, body);

  assert.equal((await post({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })).status, 403);
  assert.equal((await post({ 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' })).status, 403);
  assert.equal((await post({ origin: 'http://127.0.0.1:1' })).status, 403);
  assert.equal((await post({})).status, 403);
  assert.equal((await post({ 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' })).status, 415);
  assert.equal((await post({ 'sec-fetch-site': 'same-origin', host: 'evil.example' })).status, 403);
  assert.equal((await ask(port, `${behind}/api/events`, { cookie, host: `evil.example:${port}` })).status, 403);
  assert.equal(
    (await ask(port, `${behind}/api/jobs`, { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }))
      .status,
    403,
  );
  assert.equal((await ask(port, `${behind}/api/act`, { cookie }, body, 'PUT')).status, 405);
  assert.deepEqual(desk.acts, []);

  assert.equal((await post({ 'sec-fetch-site': 'same-origin' })).status, 200);
  assert.deepEqual(desk.acts, [{ kind: 'forget', ids: [ID] }]);
});

test('every answer keeps a browser from doing more with it', async (t) => {
  const { port } = await serve(t);

  for (const reply of [
    await ask(port, '/'),
    await ask(port, '/api/summary', OWN),
    await ask(port, '/api/summary'),
    await ask(port, '/nothing'),
    await ask(port, '/', { host: 'evil.example' }),
  ]) {
    assert.match(String(reply.headers['content-security-policy']), /^default-src 'none'; .*frame-ancestors 'none'$/);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.equal(reply.headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(reply.headers['referrer-policy'], 'no-referrer');
    for (const name of Object.keys(reply.headers))
      assert.ok(!name.startsWith('access-control'), `${name} opens it to others`);
  }
});

test('a page that only looks refuses every act, whoever asks', async (t) => {
  const { port, desk } = await serve(t, { isReadOnly: true });

  const reply = await ask(port, '/api/act', { ...OWN, ...POST }, JSON.stringify({ kind: 'retry', ids: [ID] }));

  assert.equal(reply.status, 403);
  assert.match(JSON.parse(reply.text).text, /only looks/);
  assert.deepEqual(desk.acts, []);
});

test('what is wrong is told in words, with a code, and harms nothing', async (t) => {
  const { port, desk } = await serve(t);
  const answerTo = async (path: string, body?: string): Promise<readonly [number, string, string]> => {
    const { status, text } = await ask(port, path, body === undefined ? OWN : { ...OWN, ...POST }, body);
    const { code, text: words } = JSON.parse(text);
    return [status, code, words];
  };

  assert.deepEqual((await answerTo('/api/jobs?state=nonsense')).slice(0, 2), [400, 'FSQ_USAGE']);
  assert.deepEqual((await answerTo('/api/jobs?nonsense=1')).slice(0, 2), [400, 'FSQ_USAGE']);
  assert.deepEqual((await answerTo(`/api/jobs/${ID}/log?position=-1`)).slice(0, 2), [400, 'FSQ_USAGE']);
  assert.deepEqual((await answerTo('/api/act', '{"kind":')).slice(0, 2), [400, 'FSQ_USAGE']);
  assert.deepEqual((await answerTo('/api/act', '{"kind":"purge"}')).slice(0, 2), [400, 'FSQ_USAGE']);
  assert.deepEqual((await answerTo('/api/act', `"${'x'.repeat(6_000_000)}"`)).slice(0, 2), [413, 'FSQ_TOO_LARGE']);
  assert.deepEqual((await answerTo('/api/jobs/..%2f..%2fetc%0a')).slice(0, 2), [404, 'FSQ_USAGE']);
  desk.fails = new SpoolError('FSQ_SPOOL_GONE', 'The spool /spool is gone');
  assert.deepEqual(await answerTo('/api/jobs'), [503, 'FSQ_SPOOL_GONE', 'The spool /spool is gone']);
  desk.fails = new TypeError('x is not a function');
  assert.deepEqual(await answerTo('/api/jobs'), [503, 'FSQ_UNEXPECTED', 'x is not a function']);
  desk.fails = null;
  assert.equal((await ask(port, '/api/jobs', OWN)).status, 200);
});

test('arguments arrive as they were written, or the request is refused', async (t) => {
  const { port, desk } = await serve(t);
  const post = (args: string | Buffer): Promise<Reply> => {
    const body = Buffer.concat([Buffer.from(`{"kind":"retry-anew","id":"${ID}","args":`), Buffer.from(args), Buffer.from('}')]); // prettier-ignore
    return ask(port, '/api/act', { ...OWN, ...POST }, body, 'POST');
  };
  const odd =
    '[{"__proto__":{"isGood":1},"constructor":2,"toJSON":3,"":4},"\\ud800","\u2028",9007199254740992,1e+308,0.1]';

  assert.equal((await post(odd)).status, 200);
  assert.deepEqual(desk.acts.map((act) => 'args' in act && JSON.stringify(act.args)), [odd]); // prettier-ignore
  for (const [args, told] of [
    ['[9007199254740993]', /9007199254740993, which would arrive as 9007199254740992/],
    ['[[-1e999]]', /-1e999, which would arrive as -Infinity/],
    [Buffer.from('["\xe9"]', 'latin1'), /UTF-8/],
    [Buffer.from([0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d]), /UTF-8/],
    ['["\u0000"]', /JSON/],
  ] as const) {
    const { status, text } = await post(args);
    assert.equal(status, 400, text);
    assert.match(JSON.parse(text).text, told);
  }
  assert.equal(desk.acts.length, 1);
});

test('the same answer twice is sent once, also behind a proxy that zips it, and to one that knows several', async (t) => {
  const { port } = await serve(t);
  for (const path of ['/api/jobs', '/page.css']) {
    const { headers } = await ask(port, path, OWN);
    const etag = String(headers.etag);
    const again = (named: string): Promise<Reply> => ask(port, path, { ...OWN, 'if-none-match': named });

    for (const named of [etag, `W/${etag}`, `"other", ${etag}`, `"other",W/${etag}`, '*']) {
      const { status, text } = await again(named);
      assert.deepEqual([status, text], [304, ''], `${path} ${named}`);
    }
    for (const named of ['"other"', etag.slice(1, -1), `${etag}x`, 'W/"other"', '', ',,,'])
      assert.equal((await again(named)).status, 200, `${path} ${named}`);
  }
});

test('a stream begins with a summary, tells of each change, and ends with its page', async (t) => {
  const { port, desk } = await serve(t);
  const asked = httpRequest({ port, host: '127.0.0.1', path: '/api/events', headers: OWN }).end();
  t.after(() => asked.destroy());
  let text = '';
  asked.on('response', (response) => response.setEncoding('utf8').on('data', (part) => (text += String(part))));

  await until(() => text.includes('event: summary\ndata: {"atMs":1,'), 'the summary came');
  assert.equal(desk.listeners.size, 1);
  for (const hear of desk.listeners) hear('jobs');
  await until(() => text.includes('event: jobs\n'), 'the hint came');
  asked.destroy();
  await until(() => desk.listeners.size === 0, 'nobody listens any more');
});

test('streams share one listener, and end with the handler', async (t) => {
  const { port, desk, handler } = await serve(t);
  let [begun, ended] = [0, 0];
  for (let i = 0; i < 3; i++)
    httpRequest({ port, host: '127.0.0.1', path: '/api/events', headers: OWN }, (response) => {
      begun++;
      response.on('end', () => ended++).resume();
    }).end();
  await until(() => begun === 3, 'three streams have begun');
  assert.equal(desk.listeners.size, 1);

  handler.close();

  await until(() => ended === 3, 'three streams have ended');
  assert.equal(desk.listeners.size, 0);
});

test('a login, which anybody may try, takes no long body', async (t) => {
  const { port } = await serve(t);

  const reply = await ask(port, '/api/login', POST, JSON.stringify({ token: 'x'.repeat(20_000) }));

  assert.equal(reply.status, 413);
});

test('a page below a path finds its own, with the prefix or without it', async (t) => {
  for (const options of [{ basePath: '/admin/queue' }, { mount: '/admin/queue' }]) {
    const { port } = await serve(t, options);
    const bare = await ask(port, '/admin/queue?x=1');
    const login = await ask(port, '/admin/queue/api/login', POST, JSON.stringify({ token: TOKEN }));

    assert.deepEqual([bare.status, bare.headers.location], [308, './queue/'], JSON.stringify(options));
    assert.match(String(login.headers['set-cookie']), /Path=\/admin\/queue\/door\/[^/]+\/;/);
    assert.equal((await ask(port, '/admin/queue/api/summary', OWN)).status, 200);
    assert.equal((await ask(port, '/admin/queue/healthz')).text, 'ok\n');
  }
});

test('in another program what is no part of the page is left to it', async (t) => {
  const { port } = await serve(t, { mount: '/queue' });

  assert.equal((await ask(port, '/queue/elsewhere')).text, 'next');
  assert.equal((await ask(port, '/queue/elsewhere', { host: 'evil.example' })).status, 403);
});

test('what lies elsewhere is answered with the path that came and where the page lies, without the secret of a door', async (t) => {
  const textAt = async (options: Options, path: string): Promise<string> => {
    const { status, text } = await ask((await serve(t, options)).port, path, OWN);
    assert.equal(status, 404);
    return JSON.parse(text).text;
  };
  const lies = (came: string, at: string): string =>
    `There is nothing at ${came}: this page lies at ${at}. If it is to lie elsewhere, \`basePath\` (\`fsq ui --base-path\`) names the path.`;
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));

  assert.equal(await textAt({}, '/queue/?token=x'), lies('/queue/', '/'));
  assert.equal(await textAt({ basePath: '/queue' }, '/queue/api/nothing'), lies('/queue/api/nothing', '/queue/'));
  assert.equal(await textAt({ mount: '/queue' }, '/queue/api/nothing'), lies('/queue/api/nothing', '/queue/'));
  assert.deepEqual(warnings, []);
  assert.equal(await textAt({ basePath: '/wrong' }, '/queue/'), lies('/queue/', '/wrong/'));
  assert.equal(
    await textAt({ basePath: '/wrong' }, '/queue/door/secret/api/x'),
    lies('/queue/door/…/api/x', '/wrong/'),
  );
  assert.equal(await textAt({ basePath: '/wrong' }, `/${'x'.repeat(1_000)}`), lies(`/${'x'.repeat(199)}`, '/wrong/'));
  await until(() => warnings.length > 0, 'the program hears of it');
  assert.deepEqual(warnings, [
    'A request for /queue/ came to the page, which lies at its `basePath`, /wrong/: is that where it is mounted?',
  ]);
});

test('a basePath that is not where the server has mounted the page is told to the program', async (t) => {
  const warnings: string[] = [];
  const hear = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));

  for (const options of [{ mount: '/queue', basePath: '/queue' }, { basePath: '/queue' }, { mount: '/queue' }])
    assert.equal((await ask((await serve(t, options)).port, '/queue/')).status, 200);
  assert.deepEqual(warnings, []);
  assert.equal((await ask((await serve(t, { mount: '/queue', basePath: '/other' })).port, '/queue/')).status, 200);
  await until(() => warnings.length > 0, 'the program hears of it');
  assert.deepEqual(warnings, [
    'The server mounts the page at /queue/, and takes that away: `basePath` /other does nothing there, leave it out',
  ]);
});
