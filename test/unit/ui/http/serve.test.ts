/** What the page's own server bears, over raw connections: more than any browser sends. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { OWN_HOSTS } from '../../../../src/ui/http/guard.ts';
import { handlerOf } from '../../../../src/ui/http/handler.ts';
import { serve } from '../../../../src/ui/http/serve.ts';
import { Session } from '../../../../src/ui/http/session.ts';
import { until } from '../../../support/conditions.ts';
import { FakeDesk } from '../../../support/fake-desk.ts';

async function served(t: TestContext, listener: RequestListener): Promise<number> {
  const { port, close } = await serve(listener, { host: '127.0.0.1', port: 0 });
  t.after(close);
  return port ?? 0;
}

interface Connection {
  readonly socket: Socket;
  readonly text: () => string;
}

function send(t: TestContext, port: number, text: string): Connection {
  let got = '';
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1').on('data', (part) => (got += String(part)));
  socket.on('error', () => undefined); // It may be cut off while it sends.
  t.after(() => socket.destroy());
  socket.write(text);
  return { socket, text: () => got };
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n';

test('a connection with thousands of requests at once is ended, and others go on', async (t) => {
  let begun = 0;
  const waiting: (() => void)[] = [];
  const port = await served(t, (_request, response) => {
    begun++;
    waiting.push(() => response.end('x'));
  });

  const { socket } = send(t, port, `${REQUEST}\r\n`.repeat(20_000));
  await until(() => socket.destroyed, 'the connection is ended');

  assert.ok(begun <= 16, `${begun} were begun`);
  const other = send(t, port, `${REQUEST}\r\n`);
  await until(() => begun > 16 || waiting.length > 16, 'another connection is served');
  for (const end of waiting) end();
  await until(
    () => other.text().endsWith('1\r\nx\r\n0\r\n\r\n') || other.text().endsWith('\r\n\r\nx'),
    'it is answered',
  );
});

test('requests that come one after the other go on for as long as somebody sends them', async (t) => {
  const port = await served(t, (_request, response) => response.writeHead(200, { 'content-length': 1 }).end('x'));

  const { socket, text } = send(t, port, '');
  for (let i = 1; i <= 40; i++) {
    socket.write(`${REQUEST}\r\n`);
    await until(() => text().split('HTTP/1.1 200').length === i + 1, `answer ${i} came`);
  }
});

test('all headers are seen, however many: none that says more is left out', async (t) => {
  let hosts = 0;
  const port = await served(t, ({ rawHeaders }, response) => {
    hosts = rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length;
    response.end();
  });

  const many = Array.from({ length: 2_500 }, () => 'a:\r\n').join('');
  const { text } = send(t, port, `${REQUEST}${many}Host: evil.example\r\n\r\n`);
  await until(() => text().includes('\r\n\r\n'), 'it is answered');

  assert.match(text(), /^HTTP\/1\.1 200 /);
  assert.equal(hosts, 2);
});

const TOKEN = 'a-token-of-this-test';
const OWN = `Authorization: Bearer ${TOKEN}\r\n`;
const HOST = 'Host: localhost\r\n';
const JSON_POST = 'Content-Type: application/json\r\nSec-Fetch-Site: same-origin\r\n';
const SMUGGLED = `GET /api/session HTTP/1.1\r\n${HOST}${OWN}\r\n`;

/** What no browser sends, and the states of the answers; none: the connection ends without one. */
const RAW: Readonly<Record<string, readonly [text: string, statuses: readonly number[]]>> = {
  'two requests at once': [SMUGGLED + SMUGGLED, [200, 200]],
  'a whole address': [`GET http://localhost/api/session HTTP/1.1\r\n${HOST}${OWN}\r\n`, [404]],
  'the address of another': [`GET http://evil.example/api/session HTTP/1.1\r\n${HOST}${OWN}\r\n`, [404]],
  'an address under a foreign Host': [`GET http://localhost/api/session HTTP/1.1\r\nHost: evil.example\r\n${OWN}\r\n`, [403]], // prettier-ignore
  'all of a server': [`OPTIONS * HTTP/1.1\r\n${HOST}${OWN}\r\n`, [405]],
  'a star': [`GET * HTTP/1.1\r\n${HOST}${OWN}\r\n`, [404]],
  'a tunnel': [`CONNECT localhost:22 HTTP/1.1\r\n${HOST}${OWN}\r\n`, []],
  'an echo': [`TRACE / HTTP/1.1\r\n${HOST}${OWN}\r\n`, [405]],
  'an old version, without a Host': [`GET /api/session HTTP/1.0\r\n${OWN}\r\n`, [403]],
  'a web socket without a token': [`GET /api/events HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, [401]], // prettier-ignore
  'a Host with a user': [`GET /api/session HTTP/1.1\r\nHost: me@localhost\r\n${OWN}\r\n`, [403]],
  'a list of Hosts': [`GET /api/session HTTP/1.1\r\nHost: localhost, evil.example\r\n${OWN}\r\n`, [403]],
  'two tokens, the first wrong': [`GET /api/session HTTP/1.1\r\n${HOST}Authorization: Bearer x\r\n${OWN}\r\n`, [401]],
  'a header over two lines': [`GET /api/session HTTP/1.1\r\n${HOST}Authorization: Bearer\r\n ${TOKEN}\r\n\r\n`, [400]],
  'two slashes': [`GET //api/session HTTP/1.1\r\n${HOST}${OWN}\r\n`, [404]],
  'two lengths': [`POST /api/act HTTP/1.1\r\n${HOST}${OWN}${JSON_POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, [400]], // prettier-ignore
  'a length and parts': [`POST /api/act HTTP/1.1\r\n${HOST}${OWN}${JSON_POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, [400]], // prettier-ignore
  'a request in the body of one that is refused': [`POST /api/act HTTP/1.1\r\n${HOST}${JSON_POST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, [401]], // prettier-ignore
  'a request behind a body that is none': [`POST /api/act HTTP/1.1\r\n${HOST}${OWN}${JSON_POST}Content-Length: 1\r\n\r\n{${SMUGGLED}`, [400]], // prettier-ignore
  'a request behind the body of a GET': [`GET /api/session HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${SMUGGLED}`, [401, 200]], // prettier-ignore
};

test('requests that are not as browsers send them are answered once each, or refused', async (t) => {
  const session = new Session(TOKEN);
  const handler = handlerOf({
    desk: new FakeDesk(),
    basePath: '',
    facts: async () => ({
      version: '1',
      place: '/spool',
      placeOption: ' --spool /spool',
      isReadOnly: false,
      hidesArguments: false,
    }),
    access: { hosts: new Set(OWN_HOSTS), isKnown: ({ headers }) => session.knows(headers, null) },
  });
  const port = await served(t, handler);
  t.after(() => handler.close());
  for (const [what, [text, statuses]] of Object.entries(RAW)) {
    const { socket, text: got } = send(t, port, text);
    const isOver = (): boolean => socket.destroyed || answersIn(got()).length > statuses.length;
    await until(
      () => isOver() || (statuses.length > 0 && answersIn(got()).length === statuses.length),
      `${what} is answered`,
    );
    // Whatever follows would be here by then: one more request is answered behind it, or the connection is at its end.
    if (!socket.destroyed) socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until(() => socket.destroyed, `${what} has no more answers`);
    const came = answersIn(got());
    assert.deepEqual(came.slice(0, statuses.length), statuses, `${what}: ${got()}`);
    assert.ok(came.length <= statuses.length + (got().endsWith('ok\n') ? 1 : 0), `${what} got more: ${got()}`);
  }
});

function answersIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}
