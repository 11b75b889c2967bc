import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type RequestListener, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { Streams } from '../../../../src/ui/http/streams.ts';
import { deferred, until, within } from '../../../support/conditions.ts';
import { FakeDesk } from '../../../support/fake-desk.ts';

interface Served {
  readonly desk: FakeDesk;
  readonly streams: Streams;
  /** Opens one. */
  stream(): Promise<IncomingMessage>;
}

async function serve(t: TestContext): Promise<Served> {
  const desk = new FakeDesk();
  const streams = new Streams(desk);
  const server = createServer((_request, response) => {
    const refused = streams.add(response);
    if (refused !== null) response.writeHead(refused.status, refused.headers).end(refused.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    streams.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const stream = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1' }, (response) => resolve(response.on('error', () => undefined).resume()))
        .on('error', reject)
        .end();
    });
  return { desk, streams, stream };
}

test('more streams than 200 are refused with an answer, and one that ends makes room', async (t) => {
  const { desk, stream } = await serve(t);
  const open = await Promise.all(Array.from({ length: 200 }, stream));

  const more = await stream();

  assert.deepEqual([more.statusCode, more.headers['retry-after']], [503, '30']);
  assert.equal(desk.listeners.size, 1);
  open[0]?.destroy();
  await until(async () => (await stream()).statusCode === 200, 'there is room for another one');
});

test('a stream ends after a quarter of an hour, so that the login is asked again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { desk, stream } = await serve(t);
  const old = await stream();
  const ended = new Promise<void>((resolve) => void old.on('end', resolve));

  t.mock.timers.tick(14 * 60_000);
  assert.equal(desk.listeners.size, 1);
  const young = await stream();
  t.mock.timers.tick(60_000);

  await within(ended, 'the end of the old one');
  assert.equal(young.readableEnded, false);
  assert.equal(desk.listeners.size, 1);
});

test('after its end none begins: pages ask for another one soon', async (t) => {
  const { desk, streams, stream } = await serve(t);
  const old = await stream();
  const ended = new Promise<void>((resolve) => void old.on('end', resolve));

  streams.close();

  await within(ended, 'the end of the stream');
  assert.equal((await stream()).statusCode, 503);
  assert.equal(desk.listeners.size, 0);
});

for (const [name, open] of [
  ['HTTP/1', createServer],
  ['HTTP/2', (listener: RequestListener) => createHttp2(listener as never)],
] as const)
  test(`nobody listens for a page that has left before its stream began: ${name}`, async (t) => {
    const desk = new FakeDesk();
    const streams = new Streams(desk);
    const left = deferred<ServerResponse>();
    const server = open((_request, response) => {
      response.on('close', () => left.resolve(response));
      leave();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      streams.close();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    let leave = (): void => undefined;
    if (name === 'HTTP/1') {
      const asked = request({ port, host: '127.0.0.1' }).on('error', () => undefined);
      leave = () => void asked.destroy();
      asked.end();
    } else {
      const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
      session.request({ ':path': '/' }).on('error', () => undefined);
      leave = () => session.destroy();
    }
    const response = await within(left.promise, 'the page has left');

    assert.equal(streams.add(response), null);

    assert.equal(desk.listeners.size, 0);
  });
