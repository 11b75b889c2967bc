/** What the page's own server bears, over raw connections: more than any browser sends. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { serve } from '../../../../src/ui/http/serve.ts';
import { until } from '../../../support/conditions.ts';

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
