import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { Streams } from '../../../../src/ui/http/streams.ts';
import { until } from '../../../support/conditions.ts';
import { FakeDesk } from '../../../support/fake-desk.ts';

test('more streams than 200 are refused with an answer, and one that ends makes room', async (t) => {
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
  const open = await Promise.all(Array.from({ length: 200 }, stream));

  const more = await stream();

  assert.deepEqual([more.statusCode, more.headers['retry-after']], [503, '30']);
  assert.equal(desk.listeners.size, 1);
  open[0]?.destroy();
  await until(async () => (await stream()).statusCode === 200, 'there is room for another one');
});
